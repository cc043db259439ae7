"""Random histories of nights: a night that carries over holds what a night that reads everything holds."""

import pytest

from conflict_assets_tests.incremental.histories import Coverage, Stage, play
from conflict_assets_tests.incremental.nights import PREFIX_LENGTH
from conflict_assets_tests.pg import EMPTY_STORE, execute

SHORT, LONG = 6, 40
SEEDS = range(3)
NIGHTLY_SEEDS = range(200)


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
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", NIGHTLY_SEEDS, ids="seed{0}-long".format)
def test_a_long_history_holds_what_full_nights_hold(stage, seed):
    play(stage, seed, LONG)
