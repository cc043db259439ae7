"""The asset `active_visits`: the contested visits of the run's prefixes.

One step reads them all from the source.
"""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetSpec,
    BackfillPolicy,
    Config,
    DataVersion,
    MaterializeResult,
    Output,
    multi_asset,
)
from pydantic import Field

from conflict_assets.assets import check_events
from conflict_assets.assets.all_prefixes import claim_all_prefixes
from conflict_assets.assets.overlapping_runs import await_overlapping_runs
from conflict_assets.assets.partition_definitions import SSN_PREFIXES, root_run_id, run_prefixes
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_snapshots import (
    ASSET,
    log_snapshot_checks,
    snapshot_metadata,
    take_snapshot,
    visits_of_all_prefixes,
)
from conflict_assets.assets.run_tags import tag_prefixes
from conflict_assets.assets.source_and_store import where
from conflict_assets.assets.step_failures import SOURCE_RETRIES, failing_in_words
from conflict_assets.settings import load_settings


class ActiveVisitsConfig(Config):
    """What one run may do differently."""

    allow_visit_drop: bool = Field(
        default=False,
        description="Let this run through although the source has far fewer visits than last time.",
    )
    full: bool = Field(
        default=False,
        description="Read everything this once, and not only what changed at the source since the last snapshot.",
    )


@multi_asset(
    name=ASSET,
    specs=[
        AssetSpec(
            ASSET,
            description="Active visits on contested days: the only ones that can conflict. One Parquet file a prefix.",
            group_name="visit_conflicts",
            kinds={load_settings().source_kind, "parquet"},
            partitions_def=SSN_PREFIXES,
        )
    ],
    check_specs=check_events.ACTIVE_VISITS_CHECKS,
    partitions_def=SSN_PREFIXES,
    backfill_policy=BackfillPolicy.single_run(),
    can_subset=True,
    retry_policy=SOURCE_RETRIES,
)
def active_visits(
    context: AssetExecutionContext, config: ActiveVisitsConfig, platform: Platform
) -> Iterator[MaterializeResult[Any] | Output[None]]:
    """Read the visits of the run's prefixes into a snapshot.

    The step counts the visits and guards against a half-loaded source before it reads. Nothing is committed before all
    is well.
    """
    with failing_in_words(context):
        context.log.info(where(platform.settings))
        claim_all_prefixes(context)
        tag_prefixes(context, run_prefixes(context))
        await_overlapping_runs(context)
        with platform.store() as store:
            store.administration.prepare()
            snapshot = take_snapshot(
                context,
                platform,
                store,
                run_prefixes(context),
                name=root_run_id(context),
                allow_drop=config.allow_visit_drop,
                full=config.full,
            )
            all_visits = visits_of_all_prefixes(store, snapshot)
        for prefix in snapshot.prefixes:
            context.add_asset_metadata(snapshot_metadata(snapshot, prefix) | all_visits, partition_key=prefix)
    # Dagster would derive it from the code's version alone, as if every night had read the same visits.
    yield MaterializeResult(asset_key=ASSET, data_version=DataVersion(context.run.run_id))
    with failing_in_words(context):
        log_snapshot_checks(context, snapshot)
    yield from check_events.outputs_of(context, check_events.ACTIVE_VISITS_CHECKS)
