"""How much Hypothesis tries (`HYPOTHESIS_PROFILE`: `ci`, the default, or `nightly`), and interrupts that are heeded.

The fixtures of PostgreSQL are here for all, and not imported by files: each import would be a server of its own.
"""

import os
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from conflict_assets_tests.pg import lay_cluster, make_store, pg_server, store_url

__all__ = ["lay_cluster", "make_store", "pg_server", "store_url"]

SLOW_DRAWS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile(
    "ci", max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=SLOW_DRAWS
)
settings.register_profile(
    "nightly", max_examples=10_000, deadline=None, suppress_health_check=SLOW_DRAWS, print_blob=True
)
LONGEST_FILES = (
    "e2e/test_week.py",
    "e2e/test_browser.py",
    "e2e/test_failures.py",
    "e2e/test_reexecutions.py",
    "e2e/test_kills.py",
    "e2e/test_backfills.py",
    "e2e/test_nights.py",
    "e2e/test_limits.py",
    "deploy/test_run.py",
    "running/test_night.py",
    "running/test_dry_run.py",
    "incremental/test_histories.py",
    "source/test_incremental.py",
    "source/test_incremental_snowflake.py",
    "test_no_ssn_in_errors.py",
    "test_every_reader.py",
    "store/test_killing.py",
    "test_odd_folders.py",
    "source/test_snowflake.py",
    "store/embedded/test_embedded_server.py",
    "assets/test_reexecution.py",
    "automation/test_dagster_history.py",
    "automation/test_snowflake_night.py",
    "assets/test_simplest_click.py",
    "test_no_full_ssn.py",
    "cli/test_closed_pipes.py",
    "store/test_life.py",
    "assets/test_step_failures.py",
    "test_garbage.py",
    "source/test_statement_sizes.py",
)
"""They come first, so that no process is left alone with one of them at the end: a file's tests stay together."""

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
settings.load_profile(PROFILE)

# Tests that are started in the background may have these ignored, and what they start would inherit that.
for sign, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if threading.current_thread() is threading.main_thread() and signal.getsignal(sign) is signal.SIG_IGN:
        signal.signal(sign, handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, and let the properties of the nightly profile take as long as they need."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
    if PROFILE == "ci":
        return
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.timeout(0))
