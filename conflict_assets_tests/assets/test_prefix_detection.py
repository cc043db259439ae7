import pyarrow as pa
import pytest

from conflict_assets.assets.prefix_detection import refuse_foreign_rows, visits_in_conflict
from conflict_assets.assets.prefix_events import describe
from conflict_assets.source.protocol import SourceError
from conflict_assets.store.errors import StoreError


def test_a_snapshot_with_rows_of_another_prefix_is_refused_without_naming_them():
    with pytest.raises(ValueError, match="holds 1 visits of other prefixes") as caught:
        refuse_foreign_rows("04", pa.table({"ssn": ["041234567", "051234567"]}))
    assert "1234567" not in str(caught.value)
    refuse_foreign_rows("04", pa.table({"ssn": pa.array([], pa.string())}))


def test_each_visit_in_conflict_is_kept_once():
    visits = pa.table({"ssn": ["1", "1", "1", "2"], "visit_id": ["a", "b", "c", "a"], "office": ["x", "y", "z", "w"]})
    conflicts = pa.table({"ssn": ["1", "1", "1", "1"], "visit_id": ["a", "a", "b", "b"]})
    kept = visits_in_conflict(visits, conflicts)
    assert sorted(zip(*kept.to_pydict().values(), strict=True)) == [("1", "a", "x"), ("1", "b", "y")]


@pytest.mark.parametrize("error", [SourceError("the source is away"), StoreError("the store is away")])
def test_our_own_messages_are_told(error):
    assert describe(error) == str(error)


def test_of_any_other_error_only_type_and_place_are_told():
    try:
        raise KeyError("041234567")
    except KeyError as error:
        told = describe(error)
    assert "041234567" not in told
    assert told.startswith("KeyError in test_of_any_other_error")
