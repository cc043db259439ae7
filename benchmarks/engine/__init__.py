"""The detection engine beside the algorithm that it replaced."""
