"""Random histories of nights: a night that carries visits over holds what a night that reads everything holds."""

from collections import Counter
from random import Random

import pytest

from conflict_assets.domain.window import window_at
from conflict_assets_tests.incremental import faults
from conflict_assets_tests.incremental.blind_spots import noticed_changes
from conflict_assets_tests.incremental.histories import ZONE, Coverage, SidesDifferError, Stage, play
from conflict_assets_tests.incremental.nights import AFTERMATHS, MISHAPS, PREFIX_LENGTH, START, Calendar
from conflict_assets_tests.incremental.operations import OPERATIONS, happen
from conflict_assets_tests.incremental.twin import READS_INCREMENTALLY
from conflict_assets_tests.incremental.warehouse import CELLS, RandomWarehouse
from conflict_assets_tests.pg import EMPTY_STORE, execute

SHORT, LONG = 5, 40
SEEDS = (2, 5)
NIGHTLY_SEEDS = range(200)
CHANGES = (
    faults.lose_a_visit,
    faults.repeat_a_visit,
    faults.keep_a_stale_value,
    faults.lose_what_was_left_out,
    faults.count_one_too_many,
)


@pytest.fixture(scope="module")
def stage(pg_server, tmp_path_factory):
    stores = [pg_server.make_store(PREFIX_LENGTH) for _ in "ab"]
    yield Stage(tmp_path_factory.mktemp("histories"), tuple(stores), lambda url: execute(url, EMPTY_STORE))
    for url in stores:
        pg_server.take_back(url, PREFIX_LENGTH)


@pytest.fixture(scope="module")
def covered():
    return Coverage()


@pytest.mark.parametrize("seed", SEEDS, ids="seed{0}-short".format)
def test_a_night_that_carries_over_holds_what_a_full_one_holds(stage, covered, seed):
    covered.add(play(stage, seed, SHORT))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", NIGHTLY_SEEDS, ids="seed{0}-long".format)
def test_a_long_history_holds_what_full_nights_hold(stage, covered, seed):
    covered.add(play(stage, seed, LONG))


@pytest.mark.skipif(not READS_INCREMENTALLY, reason="every reading is a full one")
def test_many_nights_really_carry_over(covered):
    """The first night of a history can't, nor can one after another policy or the loss of a snapshot."""
    assert covered.read == 0 or covered.incremental > covered.read / 3, str(covered)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_snapshot_that_differs_a_little_is_noticed(stage, change):
    with pytest.raises(SidesDifferError, match="history of seed 5 differs after Night"):
        play(stage, 5, 2, faults.ChangedSnapshot(change))


@pytest.mark.slow
def test_a_change_of_any_column_that_was_not_seen_would_be_noticed():
    noticed = noticed_changes(seeds=30, nights=LONG)
    assert sorted(set(CELLS) - noticed) == []


def test_histories_have_everything_happen_and_every_column_edited():
    happened, edited = Counter(), Counter()
    for seed in range(5):
        rng = Random(seed)  # noqa: S311 - a history is to come again by its seed
        calendar, house = Calendar(rng), RandomWarehouse(rng, window_at(START, ZONE))
        for _ in range(LONG):
            happened.update(happen(house, calendar.events()) or ["nothing"])
            night = calendar.next_night()
            happened.update([night.mishap, night.aftermath, "goes back" if night.goes_back else "goes on"])
        edited += house.edited
    names = {operation.__name__ for operation in OPERATIONS} | {*MISHAPS, *AFTERMATHS, "nothing", "goes back"}
    assert sorted(names - set(happened)) == []
    assert sorted(cell for cell in CELLS if edited[cell] < 5) == []
