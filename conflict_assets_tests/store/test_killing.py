"""Whoever is killed when: the old night or the new one, never a mix; and the retry gives the undisturbed state."""

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url
from conflict_assets_tests.pg import PgServer, own_server, rows
from conflict_assets_tests.store.killing import Trial, kill_postmaster
from conflict_assets_tests.store.store_totals import totals


@pytest.fixture
def server(lay_cluster):
    with own_server(lay_cluster) as (home, url):
        yield home, PgServer(url)


@pytest.fixture
def trial(server):
    _, postgres = server
    trial = Trial(postgres.make_store(1), postgres.make_store(1))
    trial.measure()
    return trial


def strike(trial, times, kill):
    """Kill until so many replaces were met under way; every night is held to the twin, met or not."""
    for _ in range(4 * times):
        if trial.struck == times:
            break
        kill()
    assert trial.struck == times
    return trial.lost, trial.kept


def test_a_killed_worker_leaves_the_old_night_or_the_new_one(trial):
    assert sum(strike(trial, 5, trial.kill_worker)) >= 5


def test_a_killed_server_comes_back_with_the_old_night_or_the_new_one(trial, server):
    assert sum(strike(trial, 3, lambda: trial.kill_server(server[0]))) >= 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_killed_workers_mix_nothing(trial):
    lost, kept = strike(trial, 100, trial.kill_worker)
    assert lost > 50
    assert kept > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_killed_servers_mix_nothing(trial, server):
    lost, _ = strike(trial, 20, lambda: trial.kill_server(server[0]))
    assert lost > 10


def test_a_night_survives_a_killed_server_by_itself(trial, server):
    commit = trial.next_night()
    process = trial.begin(commit, attempts=6)
    trial.pause()
    kill_postmaster(server[0])
    process.join()
    assert process.exitcode == 0
    trial.twin(commit)
    assert rows(trial.url, "SELECT count(*) FROM visit_conflicts") == rows(
        trial.twin_url, "SELECT count(*) FROM visit_conflicts"
    )


def test_an_open_store_goes_on_after_its_server_was_killed(trial, server):
    with ConflictStore(url=trial.url, prefix_length=1) as store:
        before = store.session.run(totals)
        kill_postmaster(server[0])
        assert store.session.run(totals) == before
    embedded_url(server[0])
