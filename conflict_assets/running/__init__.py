"""Runs that are started outside the UI.

The modules open the Dagster instance, run and follow the night, and check it against the planted conflicts.
"""
