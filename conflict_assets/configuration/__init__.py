"""The names, the files and the checks of settings."""
