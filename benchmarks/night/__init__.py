"""A whole night beside the pipeline that it replaces, the engine without Dagster, and the least that could be done."""
