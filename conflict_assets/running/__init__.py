"""Runs that are started outside the UI: the Dagster instance, the night, following it, and its proof."""
