"""The HTML report, its charts, and pictures for the UI."""
