"""Changes of the sample that no test can notice, and why."""

EXPLAINED: dict[tuple[str, str, str], str] = {}
"""By the file, the line before and the line after."""
