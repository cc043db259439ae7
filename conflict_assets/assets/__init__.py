"""The asset graph: active visits, visit conflicts, their checks and the summary."""
