"""When a night over the generated source counts as proven."""

import pytest

from conflict_assets.running.planted_check import PlantedCheck


@pytest.mark.parametrize(
    ("found", "unexpected", "holds"),
    [("3268", 0, True), ("3267", 0, False), ("3269", 0, False), ("3268", 1, False)],
    ids=["all", "one missing", "one more", "one unexpected"],
)
def test_all_that_was_planted_must_be_found_and_nothing_else(found, unexpected, holds):
    assert PlantedCheck(planted=int("3268"), found=int(found), unexpected=unexpected).holds == holds
