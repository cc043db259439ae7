"""The Dagster partitions: one for each SSN prefix."""

from dagster import AssetExecutionContext, OpExecutionContext, StaticPartitionsDefinition

from conflict_assets.partitions import all_prefixes
from conflict_assets.settings import load_settings

SSN_PREFIXES = StaticPartitionsDefinition(list(all_prefixes(load_settings().ssn_prefix_length)))


def root_run_id(context: AssetExecutionContext | OpExecutionContext) -> str:
    """The run that a chain of re-executions began with: snapshots and commits are kept under its id."""
    return context.run.root_run_id or context.run.run_id
