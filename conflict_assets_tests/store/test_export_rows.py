"""What an export holds, and who may have it."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from conflict_assets.domain.statuses import Status
from conflict_assets.store import export_rows as exporting
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.errors import StoreError
from conflict_assets.store.export_rows import ExportQuery
from conflict_assets_tests.pg import execute
from conflict_assets_tests.store.nights import DAY, SSN, Pair, night
from conflict_assets_tests.store.test_roles import login

NIGHT = (
    Pair("a", "b", rule=5, visit={"provider_name": "Good Care", "payer_id": "M", "contract": "Medicaid"}),
    Pair("c", "d", rule=1, agency="R", con_agency="S", day=date(2026, 1, 20)),
    Pair("e", "f", rule=7, day=date(2026, 1, 31), con_day=date(2026, 2, 1)),
)


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night(NIGHT))
        yield store


def exported(store, **query):
    with store.conflicts.export(ExportQuery(**query)) as export:
        count = export.count()
        table = pa.Table.from_batches(export.batches(), export.schema)
    assert table.num_rows == count
    return table


def pairs(store, **query):
    return [f"{row['visit_id']}{row['con_visit_id']}" for row in exported(store, **query).to_pylist()]


def test_a_conflict_is_one_row_sorted_by_day_or_two_when_asked(store):
    assert pairs(store) == ["ab", "cd", "ef"]
    assert sorted(pairs(store, both_sides=True)) == ["ab", "ba", "cd", "dc", "ef", "fe"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"agencies": ["P"]}, ["ab", "ef"]),
        ({"agencies": ["S", "nobody"]}, ["cd"]),
        ({"agencies": [" good CARE "]}, ["ab"]),
        ({"payers": ["M"]}, ["ab"]),
        ({"payers": ["medicaid"]}, ["ab"]),
        ({"payers": ["m"]}, []),
        ({"rules": [1, 7]}, ["cd", "ef"]),
        ({"prefixes": ["04"]}, ["ab", "cd", "ef"]),
        ({"prefixes": ["05"]}, []),
        ({"first_date": date(2026, 1, 20)}, ["cd", "ef"]),
        ({"first_date": date(2026, 2, 1)}, ["ef"]),
        ({"first_date": date(2026, 2, 2)}, []),
        ({"last_date": date(2026, 1, 20)}, ["ab", "cd"]),
        ({"first_date": date(2026, 1, 6), "last_date": date(2026, 1, 31)}, ["cd", "ef"]),
        ({"agencies": ["P"], "rules": [7]}, ["ef"]),
        ({"agencies": ["Q'; DROP TABLE visit_conflicts; --", "%s", "{}"]}, []),
    ],
)
def test_a_filter_keeps_conflicts_of_which_either_visit_fits(store, query, found):
    assert pairs(store, **query) == found
    assert len(pairs(store, both_sides=True, **query)) == 2 * len(found)


def test_only_conflicts_that_nobody_decided_on_and_that_hold_unless_asked(store):
    store.decisions.decide([Decision(parse_pair("a,b"), DecisionValue.IGNORED, "too short")])
    store.conflicts.replace_prefix(night([NIGHT[0], Pair("x", "y")], number=2))
    assert pairs(store) == ["xy"]
    assert pairs(store, statuses=["ignored"]) == ["ab"]
    assert pairs(store, statuses=["resolved"]) == ["cd", "ef"]
    assert sorted(pairs(store, statuses=tuple(Status))) == ["ab", "cd", "ef", "xy"]


@pytest.mark.parametrize("query", [{}, {"prefixes": ["04"]}], ids=["reader's view", "writer's view"])
def test_ssns_are_masked_and_no_prefix_stands_beside_them(store, query):
    table = exported(store, both_sides=True, **query)
    assert set(table["ssn"].to_pylist()) == {"***-**-0001"}
    assert "ssn_prefix" not in table.column_names
    assert SSN not in repr(table.to_pylist())


def test_full_ssns_change_nothing_else(store):
    masked, full = exported(store), exported(store, full_ssns=True)
    assert set(full["ssn"].to_pylist()) == {SSN}
    assert full.schema == masked.schema
    assert full.drop(["ssn"]).equals(masked.drop(["ssn"]))


def test_columns_have_types_and_values_come_as_they_are_stored(store):
    odd = {
        "aide_name": 'O\'Hara, "Ann"\r\nJr\t=1',
        "p_city": "",
        "p_state": "\\N",
        "p_county": "\\.",
        "is_missed": False,
        "rate": 0.1 + 0.2,
        "billed_date": date(1, 1, 2),
        "visit_start_time": datetime(2026, 1, 5, 14, 0, 0, 1, tzinfo=UTC),
        "visit_end_time": datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
    }
    store.conflicts.replace_prefix(night([Pair(visit=odd)], number=2))
    table = exported(store)
    row = table.to_pylist()[0]
    assert {name: row[name] for name in odd} == odd
    assert row["con_aide_name"] is row["con_rate"] is row["decided_at"] is None
    assert (row["visit_date"], row["rule"], row["same_sch_time"]) == (DAY, 5, False)
    assert row["visit_time_over_another_visit_time"] is True
    assert row["first_detected_at"] == datetime(2026, 1, 7, 2, tzinfo=UTC)
    kinds = {pa.string(), pa.int16(), pa.bool_(), pa.date32(), pa.float64(), pa.timestamp("us", tz="UTC")}
    assert set(table.schema.types) == kinds


def test_many_rows_come_in_batches(store, monkeypatch):
    monkeypatch.setattr(exporting, "BLOCK_BYTES", 20_000)
    lines = {"aide_name": "\n".join(["line"] * 100)}
    store.conflicts.replace_prefix(night([Pair(f"a{n}", f"b{n}", visit=lines) for n in range(500)], number=2))
    with store.conflicts.export(ExportQuery()) as export:
        batches = list(export.batches())
    assert sum(batch.num_rows for batch in batches) == 500
    assert max(batch.num_rows for batch in batches) < 100
    assert {name for batch in batches for name in batch["aide_name"].to_pylist()} == {lines["aide_name"]}


def give_up(store):
    with store.conflicts.export(ExportQuery()) as export:
        next(export.batches())
        raise RuntimeError("enough")


def test_an_export_that_is_given_up_leaves_the_store_usable(store, monkeypatch):
    monkeypatch.setattr(exporting, "BLOCK_BYTES", 20_000)
    store.conflicts.replace_prefix(night([Pair(f"a{n}", f"b{n}") for n in range(3000)], number=2))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="enough"):
            give_up(store)
    assert exported(store).num_rows == 3000


def test_an_export_sees_one_moment_of_the_store(store):
    with store.conflicts.export(ExportQuery()) as export:
        assert export.count() == 3
        execute(store.session.url, "DELETE FROM visit_conflicts")
        assert sum(batch.num_rows for batch in export.batches()) == 3


@pytest.mark.parametrize(
    ("query", "what"), [({"full_ssns": True}, "full SSNs"), ({"prefixes": ["04"]}, "prefixes")], ids=["ssn", "prefix"]
)
def test_a_reader_gets_masked_rows_and_is_told_why_no_more(store, store_url, query, what):
    store.administration.set_up_roles()
    with ConflictStore(url=login(store_url, "conflicts_reader"), prefix_length=2) as reading:
        assert pairs(reading) == ["ab", "cd", "ef"]
        with pytest.raises(StoreError, match=f"login_conflicts_reader@.* may not see {what}; allowed: the owner"):
            exported(reading, **query)


@pytest.mark.parametrize("role", ["conflicts_writer", "pg_read_all_data"])
def test_full_ssns_are_for_the_role_not_for_whoever_can_read_the_view(store, store_url, role):
    store.administration.set_up_roles()
    with ConflictStore(url=login(store_url, role), prefix_length=2) as login_of_role:
        if role == "conflicts_writer":
            assert set(exported(login_of_role, full_ssns=True)["ssn"].to_pylist()) == {SSN}
        else:
            with pytest.raises(StoreError, match="may not see full SSNs"):
                exported(login_of_role, full_ssns=True)


UNREADABLE = {
    "last_updated_date": "infinity",
    "billed_date": "20251-01-01",
    "evv_start_time": "-infinity",
    "visit_start_time": "0044-03-15 00:00:00+00 BC",
    "sch_end_time": "12025-01-01 00:00:00+00",
}


def test_a_value_that_can_not_be_read_costs_itself_alone(store):
    store.conflicts.replace_prefix(night([Pair(visit={"aide_name": "Secret Name"}), Pair("y", "z")], number=2))
    for column, value in UNREADABLE.items():
        execute(store.session.url, f"UPDATE conflict_visits SET {column} = '{value}' WHERE visit_id = 'a'")  # noqa: S608 - a constant
    with store.conflicts.export(ExportQuery(both_sides=True)) as export:
        table = pa.Table.from_batches(export.batches(), export.schema)
        unreadable = export.unreadable

    rows = {row["visit_id"]: row for row in table.to_pylist()}
    assert set(rows) == {"a", "b", "y", "z"}
    assert {name: rows["a"][name] for name in UNREADABLE} == dict.fromkeys(UNREADABLE)
    assert rows["a"]["aide_name"] == rows["b"]["con_aide_name"] == "Secret Name"
    assert rows["b"]["first_detected_at"] == datetime(2026, 1, 7, 2, tzinfo=UTC)
    pair = Pair().pair_id
    assert {(each.pair_id, each.column) for each in unreadable} == {
        (pair, f"{side}{name}") for name in UNREADABLE for side in ("", "con_")
    }
    assert str(unreadable[0]).startswith(f"pair {pair}: ")
    assert not any("Secret" in str(each) or value in str(each) for each in unreadable for value in UNREADABLE.values())


def test_a_row_may_be_longer_than_a_batch(store):
    long = {"p_address_line_1": "x" * 6_000_000, "aide_name": "\n" * 100_000, "p_city": 'a "b",\r\n' * 300_000}
    store.conflicts.replace_prefix(night([Pair("a", "b", visit=long), Pair("y", "z")], number=2))

    rows = {row["visit_id"]: row for row in exported(store).to_pylist()}

    assert set(rows) == {"a", "y"}
    assert {name: rows["a"][name] for name in long} == long


def test_what_no_reader_can_read_is_not_stored(store):
    odd = {
        "billed_date": date(1, 1, 1),
        "visit_end_time": datetime(9999, 12, 31, tzinfo=UTC),
        "rate": float("inf"),
        "billed_rate": float("nan"),
    }
    far = {"sch_start_time": datetime(1, 1, 2, tzinfo=UTC), "sch_end_time": datetime(9999, 12, 30, 23, tzinfo=UTC)}
    store.conflicts.replace_prefix(night([Pair(visit=odd | far)], number=2))

    row = exported(store).to_pylist()[0]

    assert {name: row[name] for name in odd} == dict.fromkeys(odd)
    assert {name: row[name] for name in far} == far
