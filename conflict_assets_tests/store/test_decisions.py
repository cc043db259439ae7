"""What people decide outlives every night."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pandas as pd
import psycopg
import pytest

from conflict_assets.domain.detection import detect_conflicts
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_files import read_replaced_database, read_replaced_file
from conflict_assets.store.decision_spreadsheets import read_decisions
from conflict_assets.store.decision_types import Decision, DecisionValue, pair_of_visits, parse_pair
from conflict_assets.store.decisions import decide
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

REPLACED = """CREATE TABLE conflictvisitmaps ("VisitID" {kind}, "ConVisitID" {kind}, "StatusFlag" varchar(5))"""


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair(), Pair("c", "d")], number=1))
        yield store


def decision(verdict, pair=None, reason="same client"):
    return Decision(parse_pair((pair or Pair()).pair_id), DecisionValue(verdict), reason)


def status(url, pair=None):
    query = (
        "SELECT DISTINCT status, decision_reason, decided_by, decision_outdated FROM conflict_sides WHERE pair_id = %s"
    )
    return rows(url, query, [(pair or Pair()).pair_id])


@pytest.mark.parametrize("verdict", ["whitelisted", "ignored"])
def test_a_decision_is_the_status_whatever_later_nights_find(store, store_url, verdict):
    store.decisions.decide([decision(verdict)], decided_by="ann")
    for number, pairs in enumerate(([Pair()], [], [Pair()]), 2):
        store.conflicts.replace_prefix(night(pairs, number=number))
        assert status(store_url) == [(verdict, "same client", "ann", False)]
    assert rows(store_url, "SELECT count(*) FROM open_conflicts") == [(0,)]


def test_a_cleared_decision_gives_the_conflict_its_own_status_back(store, store_url):
    store.decisions.decide([decision("whitelisted")])
    store.decisions.decide([decision("cleared", reason="by mistake")])
    assert status(store_url) == [("new", None, None, False)]
    assert rows(store_url, "SELECT event, reason FROM conflict_history WHERE event = 'decided' ORDER BY event_id") == [
        ("decided", "whitelisted"),
        ("decided", "cleared"),
    ]


def test_clearing_what_nobody_decided_writes_nothing(store, store_url):
    assert store.decisions.decide([decision("cleared")]).written == 0
    assert rows(store_url, "SELECT count(*) FROM conflict_decisions") == [(0,)]


def test_the_same_decision_again_writes_nothing(store, store_url):
    assert store.decisions.decide([decision("ignored")]).written == 1
    assert store.decisions.decide([decision("ignored")]).written == 0
    assert rows(store_url, "SELECT count(*) FROM conflict_history WHERE event = 'decided'") == [(1,)]


LOG = "SELECT decision, reason, decided_by, holds FROM decision_log WHERE pair_id = %s ORDER BY decision_id"


def test_every_decision_is_kept_with_its_person_and_reason_and_the_newest_holds(store, store_url):
    store.decisions.decide([decision("ignored", reason="too short")], decided_by="ann")
    store.decisions.decide([decision("whitelisted", reason="same client")], decided_by="bob")
    store.decisions.decide([decision("cleared", reason="by mistake")], decided_by="cid")
    assert rows(store_url, LOG, [Pair().pair_id]) == [
        ("ignored", "too short", "ann", False),
        ("whitelisted", "same client", "bob", False),
        ("cleared", "by mistake", "cid", False),
    ]
    store.decisions.decide([decision("ignored", reason="after all")], decided_by="ann")
    assert rows(store_url, LOG, [Pair().pair_id])[-1] == ("ignored", "after all", "ann", True)
    assert status(store_url) == [("ignored", "after all", "ann", False)]
    times = [row[0] for row in rows(store_url, "SELECT decided_at FROM conflict_decisions ORDER BY decision_id")]
    assert times == sorted(set(times))


def test_the_same_words_of_another_person_are_another_decision(store, store_url):
    assert store.decisions.decide([decision("ignored")], decided_by="ann").written == 1
    assert store.decisions.decide([decision("ignored")], decided_by="bob").written == 1
    assert status(store_url) == [("ignored", "same client", "bob", False)]


def test_a_decision_without_a_name_is_that_of_the_login(store, store_url, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    store.decisions.decide([decision("ignored")])
    assert status(store_url) == [("ignored", "same client", "ann", False)]


def test_decisions_of_an_import_never_follow_one_of_a_person_that_is_being_written(store, store_url):
    """Writers take turns: the import sees what the person has said, and leaves it."""
    with psycopg.connect(store_url) as person:
        decide(person, [decision("ignored")], decided_by="ann")
        with ThreadPoolExecutor(1) as pool:
            imported = pool.submit(
                store.decisions.take_over, [Decision(pair_of_visits("a", "b"), DecisionValue.WHITELISTED, "old")]
            )
            with pytest.raises(TimeoutError):
                imported.result(timeout=0.5)
            person.commit()
            assert imported.result(timeout=30).written == 0
    assert status(store_url) == [("ignored", "same client", "ann", False)]


def test_a_decision_is_outdated_once_rule_or_overlap_differ_and_fresh_when_taken_again(store, store_url):
    store.decisions.decide([decision("ignored")], decided_by="ann")
    store.conflicts.replace_prefix(night([Pair(overlap=90.0)], number=2))
    assert status(store_url) == [("ignored", "same client", "ann", True)]
    store.decisions.decide([decision("ignored")], decided_by="bob")
    assert status(store_url) == [("ignored", "same client", "bob", False)]


def test_an_unknown_conflict_refuses_the_whole_list(store, store_url):
    with pytest.raises(StoreError, match="1 of 2 conflicts are not in the store"):
        store.decisions.decide([decision("ignored"), decision("ignored", Pair("x", "y"))])
    assert rows(store_url, "SELECT count(*) FROM conflict_decisions") == [(0,)]


def test_a_conflict_is_named_by_its_pair_id_or_by_its_visits_in_either_order():
    assert parse_pair(Pair().pair_id.upper()).pair_id == Pair().pair_id
    assert parse_pair(" b , a ") == pair_of_visits("a", "b")
    assert pair_of_visits("b", "a").pair_id == Pair().pair_id
    for wrong in ("a", "a,a", "a,", ""):
        with pytest.raises(ValueError, match=r"pair|two different"):
            parse_pair(wrong)


def test_the_store_names_pairs_as_the_engine_does():
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    times = dict.fromkeys(("visit_start_time", "visit_end_time"), None) | {
        "sch_start_time": noon,
        "sch_end_time": noon + timedelta(hours=1),
    }
    visits = [
        {"visit_id": visit, "ssn": "040000001", "provider_id": agency, "visit_date": noon.date(), **times}
        for visit, agency in (("9", "P"), ("10", "Q"), ("é", "R"))
    ]
    found = detect_conflicts(pd.DataFrame(visits)).conflicts
    assert len(found) == 6
    for row in found.itertuples():
        assert row.pair_id == pair_of_visits(row.visit_id, row.con_visit_id).pair_id


def test_a_csv_names_conflicts_either_way_and_fills_what_it_does_not_say(store, store_url, tmp_path):
    file = tmp_path / "decisions.csv"
    file.write_text(f"pair,visit_id,con_visit_id,decision,reason\n{Pair().pair_id},,,,\n,d,c,Ignore,travel is fine\n")
    outcome = store.decisions.decide(read_decisions(file, value=DecisionValue.WHITELISTED, reason="checked").decisions)
    assert (outcome.given, outcome.written) == (2, 2)
    assert status(store_url)[0][:2] == ("whitelisted", "checked")
    assert status(store_url, Pair("c", "d"))[0][:2] == ("ignored", "travel is fine")


def test_a_wrong_csv_names_its_rows(tmp_path):
    file = tmp_path / "decisions.csv"
    file.write_text("pair,decision,reason\nnonsense,ignore,x\na|b,maybe,x\n")
    with pytest.raises(
        StoreError, match=r"2 wrong rows; nothing is written:\n  row 2: .*\n  row 3: decision 'maybe' is"
    ):
        read_decisions(file)
    with pytest.raises(StoreError, match="can't be read"):
        read_decisions(tmp_path / "missing.csv")


def test_an_import_takes_over_each_pair_once_and_leaves_out_what_is_no_decision(store, store_url, tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("visitid,ConVisitID,STATUSFLAG,More\na,b,W,1\nb,a,I,1\nc,d,i ,1\nx,y,W,1\nc,,W,1\nq,r,U,1\n")
    found = read_replaced_file(file)
    assert (len(found.decisions), found.undecided, found.unusable) == (3, 1, 1)
    assert store.decisions.take_over(found.decisions).written == 3
    assert store.decisions.take_over(found.decisions).written == 0
    assert [status(store_url)[0][0], status(store_url, Pair("c", "d"))[0][0]] == ["whitelisted", "ignored"]


def test_an_imported_decision_waits_for_its_conflict(store, store_url, tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("VisitID,ConVisitID,StatusFlag\nx,y,W\n")
    store.decisions.take_over(read_replaced_file(file).decisions)
    store.conflicts.replace_prefix(night([Pair("x", "y")], number=2))
    assert status(store_url, Pair("x", "y"))[0][0] == "whitelisted"


def test_an_import_follows_the_replaced_system_but_never_a_person_s_back(store, store_url):
    visits = pair_of_visits("a", "b"), pair_of_visits("c", "d")
    store.decisions.take_over([Decision(pair, DecisionValue.WHITELISTED, "old") for pair in visits])
    store.decisions.decide([decision("cleared", Pair("c", "d"))])
    again = store.decisions.take_over([Decision(pair, DecisionValue.IGNORED, "old") for pair in visits])
    assert (again.written, again.unchanged) == (1, 1)
    assert [status(store_url)[0][0], status(store_url, Pair("c", "d"))[0][0]] == ["ignored", "new"]


@pytest.mark.parametrize(
    ("kind", "one", "other"), [("text", "a", "b"), ("bigint", "7", "40"), ("varchar(50)", "a", "b")]
)
def test_an_import_reads_the_replaced_database(pg_server, kind, one, other):
    url = pg_server.make_database()
    execute(url, REPLACED.format(kind=kind))
    execute(url, f"INSERT INTO conflictvisitmaps VALUES ({one!r}, {other!r}, 'W'), ({other!r}, {one!r}, 'U')")  # noqa: S608 - constants
    found = read_replaced_database(url)
    assert [(each.pair, each.value) for each in found.decisions] == [
        (pair_of_visits(one, other), DecisionValue.WHITELISTED)
    ]
    assert found.undecided == 1
    pg_server.drop(url)


def test_an_import_says_what_the_replaced_database_lacks(pg_server):
    url = pg_server.make_database()
    with pytest.raises(StoreError, match="no table conflictvisitmaps"):
        read_replaced_database(url)
    execute(url, 'CREATE TABLE conflictvisitmaps ("VisitID" text)')
    with pytest.raises(StoreError, match="no column ConVisitID, StatusFlag"):
        read_replaced_database(url)
    pg_server.drop(url)


def test_a_night_and_a_decision_do_not_wait_for_each_other(store, store_url):
    with psycopg.connect(store_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, 4)", [0x636F6E70])
        assert store.decisions.decide([decision("ignored")]).written == 1
