"""The outcomes of a prefix's checks.

An outcome holds counts and names of columns, never rows. Each complaint says in words what was found, what is allowed
and what to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from dagster import AssetCheckSeverity

from conflict_assets.domain.detection_result import CONFLICT_SCHEMA
from conflict_assets.domain.normalization import BLANKS
from conflict_assets.domain.reasons import INACTIVE_STATUSES, InactiveReason, RejectReason
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.store.row_types import PrefixCounts

_MAY_BE_MISSING = {
    "distance_miles",
    "average_miles_per_hour",
    "eta_travel_minutes",
    "rate_per_minute",
    "shift_amount",
    "overlap_amount",
}
FILLED_VISIT = ("ssn", "visit_id", "provider_id", "visit_date")
JUDGED_VISIT = (*FILLED_VISIT, "visit_status")
"""The columns of a snapshot whose values are checked.

Of the other columns only the types are checked.
"""

FILLED_CONFLICT = tuple(name for name in CONFLICT_SCHEMA.names if name not in _MAY_BE_MISSING)


@dataclass(frozen=True)
class Problem:
    """A finding that is wrong, in words for its reader.

    A warning may have a good reason.
    """

    found: str
    allowed: str
    what_to_do: str
    warning: bool = False


@dataclass(frozen=True)
class CheckOutcome:
    """The finding of a check.

    It has counts in any case, and complaints if the check failed.
    """

    name: str
    counts: Mapping[str, int | str] = field(default_factory=dict)
    complaints: tuple[Problem, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether there is nothing to complain of."""
        return not self.complaints

    @property
    def severity(self) -> AssetCheckSeverity:
        """A warning when nothing worse was found."""
        only_warnings = self.complaints and all(each.warning for each in self.complaints)
        return AssetCheckSeverity.WARN if only_warnings else AssetCheckSeverity.ERROR

    @cached_property
    def description(self) -> str | None:
        """What was found, in one line, or None when all is well."""
        return "; ".join(each.found for each in self.complaints) or None

    @property
    def metadata(self) -> Mapping[str, int | str]:
        """The counts, with the texts of all complaints if the check failed.

        The texts are what was found, what is allowed and what to do.
        """
        if self.passed:
            return self.counts
        texts = {
            name: "; ".join(dict.fromkeys(getattr(each, name) for each in self.complaints))
            for name in ("found", "allowed", "what_to_do")
        }
        return {**texts, **self.counts}


def check_active_visits(
    prefix: str, schema: pa.Schema, visits: pa.Table, counts: Mapping[str, int]
) -> list[CheckOutcome]:
    """Judge the snapshot of a prefix as it lies on disk.

    The checks cover its schema, its rows (the columns of `JUDGED_VISIT`) and the source's counts.
    """
    return [
        _dtypes(schema, visits, VISIT_SCHEMA, FILLED_VISIT, _read_anew(prefix)),
        _visit_counts(prefix, visits.num_rows, counts),
        _prefix(prefix, visits, f"Nothing of the prefix was committed. {_read_anew(prefix)}"),
        _no_inactive(visits),
    ]


def check_conflicts(prefix: str, conflicts: pa.Table, visits_seen: int, stored: PrefixCounts) -> list[CheckOutcome]:
    """Judge what was detected for a prefix and what the store holds."""
    types, *others = check_detected(prefix, conflicts)
    return [types, _conflict_counts(prefix, conflicts.num_rows, visits_seen, stored), *others]


def check_detected(prefix: str, conflicts: pa.Table) -> list[CheckOutcome]:
    """Judge the rows that were detected for a prefix."""
    return [
        _dtypes(conflicts.schema, conflicts, CONFLICT_SCHEMA, FILLED_CONFLICT, _report(prefix)),
        _prefix(prefix, conflicts, _report(prefix)),
        _two_agencies(prefix, conflicts),
    ]


def check_repeated(prefix: str, rows: int, visits_seen: int, stored: PrefixCounts) -> list[CheckOutcome]:
    """Judge a prefix whose rows are those of its last commit, and what the store holds.

    The rows are not looked at: only a commit whose rows have passed all of `check_detected` is repeated.
    """
    return [
        _column_outcome(CONFLICT_SCHEMA, rows),
        _conflict_counts(prefix, rows, visits_seen, stored),
        _prefix_outcome(prefix, 0, rows, _report(prefix)),
        _agency_outcome(prefix, 0, rows),
    ]


def _read_anew(prefix: str) -> str:
    return f"Read the prefix anew: conflict-assets run --prefix {prefix}. If it stays so, report it with these counts."


def _report(prefix: str) -> str:
    return (
        f"This is a fault of the program, not of the data. Report it with these counts; prefix {prefix} should not be "
        "relied on until it is mended."
    )


def _dtypes(
    schema: pa.Schema, table: pa.Table, wanted: pa.Schema, filled: Iterable[str], what_to_do: str
) -> CheckOutcome:
    found = {each.name: each.type for each in schema}
    wrong = [
        f"{each.name} is {found.get(each.name, 'missing')}, not {each.type}"
        for each in wanted
        if each.name not in found or _plain(found[each.name]) != each.type
    ]
    empty = [
        f"{name} is empty in {table[name].null_count} rows"
        for name in filled
        if name in table.column_names and table[name].null_count
    ]
    complaints = [
        Problem(f"column {text}", f"all {len(wanted)} columns, of their types, filled where they must be", what_to_do)
        for text in (*wrong, *empty)
    ]
    return _column_outcome(wanted, table.num_rows, *complaints)


def _column_outcome(wanted: pa.Schema, rows: int, *complaints: Problem) -> CheckOutcome:
    return CheckOutcome("dtypes", {"columns": len(wanted), "rows": rows}, complaints)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _visit_counts(prefix: str, rows: int, counts: Mapping[str, int]) -> CheckOutcome:
    left_out = sum(counts[str(reason)] for reason in (*InactiveReason, *RejectReason))
    seen, active, contested = counts["visits_seen"], counts["active"], counts["contested"]
    negative = [f"{count} {name}" for name, count in counts.items() if count < 0]
    again = f"The source may have changed while it was read. {_read_anew(prefix)}"
    wrong = {
        f"{seen} visits were seen, but {active} are active and {left_out} left out": seen != active + left_out,
        f"{contested} visits are on contested days, but only {active} are active": contested > active,
        f"the snapshot holds {rows} visits, but {contested} were counted": rows != contested,
        f"counts are below zero: {', '.join(negative)}": bool(negative),
    }
    allowed = "each visit seen is active or left out, and each contested one is active and in the snapshot"
    return CheckOutcome(
        "counts",
        {"seen": seen, "active": active, "left_out": left_out, "contested": contested, "rows": rows},
        tuple(Problem(found, allowed, again) for found, is_wrong in wrong.items() if is_wrong),
    )


def _prefix(prefix: str, table: pa.Table, what_to_do: str) -> CheckOutcome:
    return _prefix_outcome(prefix, foreign_rows(prefix, table), table.num_rows, what_to_do)


def _prefix_outcome(prefix: str, strays: int, rows: int, what_to_do: str) -> CheckOutcome:
    found = f"{strays} of {rows} rows have an SSN that does not begin with {prefix}"
    return _none_allowed("rows_belong_to_prefix", "rows_of_other_prefixes", strays, found, what_to_do)


def foreign_rows(prefix: str, table: pa.Table) -> int:
    """Count the rows that have an SSN of another prefix, or none."""
    own = pc.sum(pc.starts_with(_texts(table, "ssn"), prefix)).as_py() or 0
    return int(table.num_rows - own)


def _no_inactive(visits: pa.Table) -> CheckOutcome:
    status = pc.utf8_lower(pc.utf8_trim(_texts(visits, "visit_status"), BLANKS))
    inactive = pc.sum(pc.is_in(status, pa.array(INACTIVE_STATUSES))).as_py() or 0
    return _none_allowed(
        "no_inactive_status",
        "inactive_visits",
        inactive,
        f"{inactive} of {visits.num_rows} visits are cancelled, deleted or pending",
        "Their conflicts are in the store although they should not be. Check with conflict-assets doctor that "
        "VISIT_STATUS_COLUMN names the status column, then run the prefix again.",
    )


def _two_agencies(prefix: str, conflicts: pa.Table) -> CheckOutcome:
    other = pc.not_equal(_texts(conflicts, "provider_id"), _texts(conflicts, "con_provider_id"))
    return _agency_outcome(prefix, conflicts.num_rows - (pc.sum(other).as_py() or 0), conflicts.num_rows)


def _agency_outcome(prefix: str, same: int, rows: int) -> CheckOutcome:
    found = f"{same} of {rows} rows do not name two different agencies"
    return _none_allowed("no_pair_within_one_agency", "rows_within_one_agency", same, found, _report(prefix))


def _none_allowed(name: str, counted: str, count: int, found: str, what_to_do: str) -> CheckOutcome:
    return CheckOutcome(name, {counted: count}, (Problem(found, "none", what_to_do),) if count else ())


def _texts(table: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column of texts, or missing values if there is none.

    A missing column is reported by another check.
    """
    if name in table.column_names and _plain(table.schema.field(name).type) == pa.string():
        return table[name].cast(pa.string())
    return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])


def _conflict_counts(prefix: str, rows: int, visits_seen: int, stored: PrefixCounts) -> CheckOutcome:
    counts: dict[str, int | str] = {
        "rows_detected": rows,
        "rows_stored": stored.rows,
        "rows_without_other_side": stored.one_sided,
        "conflicts": rows // 2,
        "visits_seen": visits_seen,
    }
    if stored.previous_conflicts is not None and stored.previous_visits is not None:
        counts |= {"conflicts_last_time": stored.previous_conflicts, "visits_last_time": stored.previous_visits}
    return CheckOutcome("counts", counts, tuple(_count_complaints(prefix, rows, visits_seen, stored)))


def _count_complaints(prefix: str, rows: int, visits_seen: int, stored: PrefixCounts) -> Iterable[Problem]:
    written_by_others = (
        "Something other than a run has changed the store's rows, or another run has committed the prefix meanwhile. "
        f"Run it again: conflict-assets run --prefix {prefix}"
    )
    if stored.rows != rows:
        found = f"{rows} rows were detected, but the store holds {stored.rows} that are in the window"
        yield Problem(found, "as many rows in the store as were detected", written_by_others)
    if stored.one_sided:
        found = f"{stored.one_sided} of {stored.rows} rows in the store lack the row of the other side"
        yield Problem(found, "two rows for each conflict, one for each side", written_by_others)
    if _collapsed(rows // 2, visits_seen, stored):
        yield Problem(
            f"{rows // 2} conflicts, {stored.previous_conflicts} last time, while the source has {visits_seen} visits, "
            f"{stored.previous_visits} last time",
            "half of last time's conflicts or more, unless the visits have dropped as much",
            "Where the policy, the speed bands or a list of exclusions has changed, this is the effect. Otherwise look "
            f"at left_out in the metadata of active_visits, and at {_WHY_RESOLVED.format(prefix=prefix)}",
            warning=True,
        )


_WHY_RESOLVED = (
    "why conflicts have gone: select reason, count(*) from conflict_history where ssn_prefix = '{prefix}' "
    "and event = 'resolved' group by reason"
)


def _collapsed(pairs: int, visits_seen: int, stored: PrefixCounts) -> bool:
    if stored.previous_conflicts is None or stored.previous_visits is None:
        return False
    return pairs < stored.previous_conflicts / 2 and visits_seen > stored.previous_visits / 2
