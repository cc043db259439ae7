"""Decisions that a person filled in.

The file is an export with its decision column, or any table of conflicts and decisions.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conflict_assets.domain.formulas import unguarded
from conflict_assets.domain.masking import masked
from conflict_assets.domain.normalization import trimmed
from conflict_assets.store.brief_columns import DECISION, REASON
from conflict_assets.store.decision_types import Decision, DecisionValue, Pair, pair_of_visits, parse_pair
from conflict_assets.store.errors import StoreError
from conflict_assets.store.spreadsheets import Row, read_tables

ERRORS_SHOWN = 1_000
PAIR_COLUMNS = ("pair_id", "pair")
VISIT_COLUMNS = ("visit_id", "con_visit_id")
REASON_COLUMNS = (REASON, "reason")
ALLOWED = "whitelisted, ignored or cleared (also whitelist, ignore, clear)"
SHOWN_CHARACTERS = 40
_WORDS = {
    "whitelist": DecisionValue.WHITELISTED,
    "ignore": DecisionValue.IGNORED,
    "clear": DecisionValue.CLEARED,
    **{str(value): value for value in DecisionValue},
}


@dataclass(frozen=True)
class FilledIn:
    """What was found in a person's file.

    `decisions` holds one decision for each conflict. `undecided` counts the rows without a decision.
    """

    decisions: tuple[Decision, ...]
    undecided: int


@dataclass(frozen=True)
class _DecidedRow:
    place: str
    pair: Pair
    value: DecisionValue
    reason: str


def read_decisions(path: Path, *, value: DecisionValue | None = None, reason: str | None = None) -> FilledIn:
    """Read the decisions of a CSV or a workbook with a header.

    The columns are `pair_id` (or `visit_id` and `con_visit_id`), `decision` and `decision_reason`. Other columns may be
    there, in any order. Rows without a decision are left out, unless `value` is given: it then holds for all of these
    rows. In the same way, `reason` holds for all rows without a reason.

    Raises:
        StoreError: the file can't be read, or rows can't be understood. The message names all of these rows.
    """
    decided: dict[str, list[_DecidedRow]] = {}
    wrong: list[str] = []
    undecided = 0
    for row in _person_rows(path, needs_decision=value is None):
        try:
            found = _decided(row, value)
        except ValueError as error:
            wrong.append(f"{row.place}: {error}")
            continue
        if found is None:
            undecided += 1
        else:
            decided.setdefault(found.pair.pair_id, []).append(found)
    decisions = list(_agreed(decided.values(), reason, wrong))
    _refuse_wrong(path, wrong)
    return FilledIn(tuple(decisions), undecided)


def _person_rows(path: Path, *, needs_decision: bool) -> Iterator[Row]:
    """Yield the rows of each table that names conflicts.

    A workbook may have other sheets.
    """
    tables = 0
    for table in read_tables(path):
        if not _names_pairs(table.columns) or (needs_decision and DECISION not in table.columns):
            continue
        tables += 1
        yield from table.rows
    if not tables:
        raise StoreError(
            f"{path} has no header with the columns {PAIR_COLUMNS[0]} (or {' and '.join(VISIT_COLUMNS)}) and "
            f"{DECISION}. Fill in a file of conflict-assets export --columns brief."
        )


def _names_pairs(columns: Collection[str]) -> bool:
    return any(name in columns for name in PAIR_COLUMNS) or all(name in columns for name in VISIT_COLUMNS)


def _decided(row: Row, value: DecisionValue | None) -> _DecidedRow | None:
    """Return what a row decides, or None where it decides nothing."""
    found = _value(row.cells.get(DECISION, "")) or value
    return _DecidedRow(row.place, _pair(row.cells), found, _reason(row.cells)) if found else None


def _value(text: str) -> DecisionValue | None:
    word = trimmed(trimmed(text).lstrip("'"))
    if word and word.lower() not in _WORDS:
        raise ValueError(f"decision {masked(word)[:SHOWN_CHARACTERS]!r} is unknown; allowed: {ALLOWED}, or nothing")
    return _WORDS.get(word.lower())


def _reason(cells: Mapping[str, str]) -> str:
    texts = (trimmed(unguarded(cells.get(name, ""))) for name in REASON_COLUMNS)
    return next(filter(None, texts), "")


def _pair(cells: Mapping[str, str]) -> Pair:
    for name in PAIR_COLUMNS:
        if named := trimmed(trimmed(cells.get(name, "")).lstrip("'")):
            return parse_pair(named)
    visit, con_visit = (unguarded(cells.get(name, "")) for name in VISIT_COLUMNS)
    return pair_of_visits(visit, con_visit)


def _agreed(decided: Iterable[Sequence[_DecidedRow]], reason: str | None, wrong: list[str]) -> Iterator[Decision]:
    """Yield one decision from all rows of each conflict.

    The rows are wrong where they differ, or where no reason is known.
    """
    for rows in decided:
        places = " and ".join(row.place for row in rows)
        values = dict.fromkeys(row.value for row in rows)
        reasons = dict.fromkeys(row.reason for row in rows if row.reason)
        if len(values) > 1:
            wrong.append(f"{places}: one conflict is decided differently, {', '.join(values)}; allowed: one decision")
        elif len(reasons) > 1:
            wrong.append(f"{places}: one conflict has different reasons; allowed: one reason")
        elif why := next(iter(reasons), None) or (reason or "").strip():
            yield Decision(rows[0].pair, rows[0].value, why)
        else:
            wrong.append(f"{places}: no reason; fill in the column {REASON}, or give one with --reason")


def _refuse_wrong(path: Path, wrong: Sequence[str]) -> None:
    if wrong:
        more = [f"and {len(wrong) - ERRORS_SHOWN} more"] if len(wrong) > ERRORS_SHOWN else []
        lines = "\n  ".join([*wrong[:ERRORS_SHOWN], *more])
        raise StoreError(f"{path} has {len(wrong)} wrong rows; nothing is written:\n  {lines}")
