"""A whole night beside three other ways to do it.

They are the pipeline that it replaces, the engine without Dagster, and the least that could be done.
"""
