"""What a commit would do is told as the commit does it, and nothing is written."""

from dataclasses import replace

import psycopg
import pytest

from conflict_assets.store import preview
from conflict_assets.store.commit_record import PREFIX_LOCK
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StaleSnapshot, StoreError
from conflict_assets.store.preview import Preview
from conflict_assets_tests.pg import PgServer, execute, rows
from conflict_assets_tests.store.nights import SSN, Pair, night

TABLES = ("visit_conflicts", "conflict_visits", "conflict_history", "prefix_runs", "rejected_visits")


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def versions(url: str) -> list[object]:
    """Where each row lies and which transaction has written it."""
    return [rows(url, f"SELECT xmin::text, ctid::text FROM {table} ORDER BY 2") for table in TABLES]  # noqa: S608 - our own names


def three_nights(store: ConflictStore) -> None:
    """Four conflicts: `a-b` and `a-c` hold, `a-d` holds with another rule, `a-e` is resolved."""
    store.conflicts.replace_prefix(night([Pair("a", "b"), Pair("a", "c"), Pair("a", "d"), Pair("a", "e")], number=1))
    store.conflicts.replace_prefix(night([Pair("a", "b"), Pair("a", "c"), Pair("a", "d")], number=2))


THIRD = night([Pair("a", "b"), Pair("a", "d", rule=4, overlap=30.0), Pair("a", "e"), Pair("a", "f")], number=3)


def test_a_preview_counts_what_the_commit_then_does(store):
    three_nights(store)
    told = store.conflicts.preview_prefix(THIRD)
    done = store.conflicts.replace_prefix(THIRD)
    assert (told.new, told.changed, told.resolved, told.reopened, told.unchanged) == (1, 1, 1, 1, 1)
    for count in ("conflicts", "new", "changed", "resolved", "reopened", "unchanged"):
        assert getattr(told, count) == getattr(done, count)
    assert told.examples == (), "nobody has asked for one"


def test_a_preview_writes_nothing(store, store_url):
    three_nights(store)
    before = versions(store_url)
    store.conflicts.preview_prefix(THIRD, examples=5)
    assert versions(store_url) == before


def test_postgresql_itself_refuses_a_preview_that_would_write(store, store_url, monkeypatch):
    monkeypatch.setattr(
        preview, "compare", lambda connection, _: connection.execute("INSERT INTO excluded_agencies VALUES ('P')")
    )
    with pytest.raises(StoreError, match="read-only"):
        store.conflicts.preview_prefix(THIRD)
    assert rows(store_url, "SELECT count(*) FROM excluded_agencies") == [(0,)]


def test_a_preview_of_an_unchanged_prefix_has_nothing_to_tell(store):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    assert store.conflicts.preview_prefix(night([Pair()], number=2), examples=5) == Preview(
        conflicts=1, new=0, changed=0, resolved=0, reopened=0, examples=()
    )


def test_a_change_of_group_alone_is_nothing_to_tell(store):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    told = store.conflicts.preview_prefix(night([Pair(group="f" * 32)], number=2), examples=5)
    assert (told.changed, told.unchanged, told.examples) == (0, 1, ())


def test_examples_tell_rule_and_overlap_before_and_after(store):
    three_nights(store)
    found = {example.con_visit_id: example for example in store.conflicts.preview_prefix(THIRD, examples=5).examples}
    told = {
        visit: (each.kind, each.rule_before, each.rule_after, each.overlap_before, each.overlap_after)
        for visit, each in found.items()
    }
    overlap = "visit_time_over_another_visit_time"
    assert told == {
        "c": ("resolved", overlap, None, 60.0, None),
        "d": ("changed", overlap, "sch_over_another_sch_time", 60.0, 30.0),
        "e": ("reopened", overlap, overlap, 60.0, 60.0),
        "f": ("new", None, overlap, None, 60.0),
    }
    assert {(each.provider_id, each.con_provider_id, each.visit_id) for each in found.values()} == {("P", "Q", "a")}
    assert found["d"].changed == "overlap_amount overlap_minutes sch_over_another_sch_time " + overlap


def test_a_change_on_the_other_side_alone_is_named_too(store):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    second = night([Pair()], number=2)
    sides = second.conflicts.to_pylist()
    sides[1]["shift_amount"] = 7.0
    changed = replace(second, conflicts=type(second.conflicts).from_pylist(sides, schema=second.conflicts.schema))
    (example,) = store.conflicts.preview_prefix(changed, examples=5).examples
    assert (example.kind, example.visit_id, example.changed) == ("changed", "a", "shift_amount")


@pytest.mark.parametrize(
    ("exclusion", "outcome", "reason"),
    [
        ("INSERT INTO excluded_agencies VALUES ('Q')", None, "excluded"),
        ("INSERT INTO excluded_ssns VALUES ('040-00-0001')", None, "excluded"),
        ("SELECT 1", "deleted", "inactive"),
        ("SELECT 1", None, "gone"),
    ],
    ids=["agency", "caregiver", "deleted at the source", "no longer there"],
)
def test_why_a_conflict_would_be_resolved_is_told_as_the_commit_writes_it(store, store_url, exclusion, outcome, reason):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    execute(store_url, exclusion)
    empty = night([], number=2, left_out={"a": outcome} if outcome else None)
    (example,) = store.conflicts.preview_prefix(empty, examples=5).examples
    store.conflicts.replace_prefix(empty)
    assert example.reason == reason
    assert rows(store_url, "SELECT DISTINCT resolved_reason FROM visit_conflicts") == [(reason,)]


def test_examples_are_few_of_each_kind_and_show_no_full_ssn(store):
    store.conflicts.replace_prefix(night([Pair("a", f"gone{number}") for number in range(9)], number=1))
    told = store.conflicts.preview_prefix(
        night([Pair("a", f"new{number}") for number in range(9)], number=2), examples=3
    )
    assert [example.kind for example in told.examples] == ["new"] * 3 + ["resolved"] * 3
    assert {example.ssn for example in told.examples} == {"***-**-0001"}
    assert SSN not in repr(told)
    pairs = [example.pair_id for example in told.examples if example.kind == "new"]
    assert pairs == sorted(Pair("a", f"new{number}").pair_id for number in range(9))[:3]


def test_a_preview_waits_for_nobody(store, store_url):
    with psycopg.connect(store_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, 4)", [PREFIX_LOCK])
        assert store.conflicts.preview_prefix(THIRD).new == 4


def test_a_preview_is_refused_as_its_commit_is(store):
    store.conflicts.replace_prefix(night([Pair()], number=2))
    with pytest.raises(StaleSnapshot):
        store.conflicts.preview_prefix(night([Pair()], number=1))
    with pytest.raises(StoreError, match="2 conflicts given for prefix 05"):
        store.conflicts.preview_prefix(night([Pair()], prefix="05", number=3))


def test_a_store_that_is_not_made_yet_is_left_as_it_is(pg_server: PgServer):
    url = pg_server.make_database()
    with ConflictStore(url=url, prefix_length=2) as store:
        with pytest.raises(StoreError, match=r"not made yet.*conflict-assets store migrate"):
            store.administration.require_prepared()
        assert rows(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
        store.administration.prepare()
        store.administration.require_prepared()
    with ConflictStore(url=url, prefix_length=3) as other, pytest.raises(StoreError, match="SSN_PREFIX_LENGTH=2"):
        other.administration.require_prepared()
    pg_server.drop(url)
