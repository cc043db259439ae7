"""Whoever is killed when: the old night or the new one, never a mix; and the retry gives the undisturbed state."""

import pytest

from conflict_assets.store.embedded import embedded_url
from conflict_assets.store.store import ConflictStore
from conflict_assets_tests.pg import PgServer, own_server, rows
from conflict_assets_tests.store.killing import Trial, kill_postmaster


@pytest.fixture
def server():
    with own_server() as (home, url):
        yield home, PgServer(url)


@pytest.fixture
def trial(server):
    _, postgres = server
    trial = Trial(postgres.make_store(1), postgres.make_store(1))
    trial.measure()
    return trial


def kill_workers(trial, times):
    for _ in range(times):
        trial.kill_worker()
    return trial.lost, trial.kept


def kill_servers(trial, home, times):
    for _ in range(times):
        trial.kill_server(home)
    return trial.lost, trial.kept


def test_a_killed_worker_leaves_the_old_night_or_the_new_one(trial):
    assert sum(kill_workers(trial, 5)) >= 5


def test_a_killed_server_comes_back_with_the_old_night_or_the_new_one(trial, server):
    assert sum(kill_servers(trial, server[0], 3)) >= 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_killed_workers_mix_nothing(trial):
    lost, kept = kill_workers(trial, 100)
    assert lost > 10
    assert kept > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_killed_servers_mix_nothing(trial, server):
    lost, _ = kill_servers(trial, server[0], 20)
    assert lost > 2


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
        before = store.totals()
        kill_postmaster(server[0])
        assert store.totals() == before
    embedded_url(server[0])
