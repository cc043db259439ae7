"""What the launchpad says to `active_visits` reaches the reading of the source, whichever step reads."""

from datetime import timedelta

import pytest

from conflict_assets.assets import run_snapshots
from conflict_assets.assets.source_reading import Reading
from conflict_assets_tests.assets.small_platform import small

__all__ = ["small"]

RANGE = ["00", "01"]


@pytest.fixture
def readings(monkeypatch):
    """Each reading of the source, as it was asked for."""
    asked = []

    def noted(**given):
        asked.append(Reading(**given))
        return asked[-1]

    monkeypatch.setattr(run_snapshots, "Reading", noted)
    return asked


def test_nothing_is_asked_for_unless_somebody_asks(small, readings):
    assert small.run(*RANGE).is_success
    assert [(each.full, each.allow_drop) for each in readings] == [(False, False)]


@pytest.mark.parametrize(
    ("asked", "full", "allow_drop"),
    [("full", True, False), ("allow_visit_drop", False, True)],
    ids=["full", "allow_visit_drop"],
)
def test_what_the_launchpad_asks_for_is_read_so_also_by_a_re_execution_that_reads_anew(
    small, readings, asked, full, allow_drop
):
    with small.refusing("01"):
        run = small.run(*RANGE, reading={asked: True})
    assert [(each.full, each.allow_drop) for each in readings] == [(full, allow_drop)]
    small.snapshots.purge(older_than=timedelta(0))
    assert small.reexecute(run).is_success
    assert [(each.full, each.allow_drop) for each in readings] == [(full, allow_drop)] * 2
