"""Find the rows of a visit that its newest row supersedes."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.arrays import LAST, MISSING, NO_CODE, Ints
from conflict_assets.domain.columns.texts import Codes, encode
from conflict_assets.domain.columns.visit_columns import OPTIONAL_NUMBERS, OPTIONAL_TEXTS, VisitColumns
from conflict_assets.domain.columns.words import Words, hash_words, lengths, words
from conflict_assets.domain.normalization import ZIP_DIGITS

_TIMES = ("visit_start_time", "visit_end_time", "sch_start_time", "sch_end_time")

Keys = npt.NDArray[np.int64] | npt.NDArray[np.float64] | npt.NDArray[np.bool_]


def find_superseded(columns: VisitColumns, ssn: Codes, visit_id: pa.Array, agency: Codes, date: Ints) -> Ints:
    """Find the rows that a newer row of the same visit supersedes.

    Rows are of the same visit when they share SSN and visit id. The newest row has the latest `last_updated_date`, and
    a missing one counts as the oldest. Ties go by agency, date and times, then by everything else that the engine
    reads, so that the order of the rows never decides. Missing values go last.
    """
    rows = _suspects(ssn, visit_id)
    if len(rows) == 0:
        return rows
    ids = encode(visit_id.take(pa.array(rows)), str)
    group = ssn.codes[rows] * len(ids.values) + ids.codes
    keys: list[Keys] = [group, _newest_first(columns, rows)]
    keys += [_missing_last(agency.codes[rows], NO_CODE), _missing_last(date[rows])]
    keys += [_missing_last(columns.instants(name, rows)[0]) for name in _TIMES]
    keys += [
        _missing_last(encode(columns.text(name, rows, digits=ZIP_DIGITS)).codes, NO_CODE)
        for name in OPTIONAL_TEXTS
        if columns.has(name)
    ]
    keys += [columns.numbers(name, rows)[0] for name in OPTIONAL_NUMBERS] + [columns.flags("billed", rows)]
    order = np.lexsort(keys[::-1])
    repeats = np.flatnonzero(np.diff(group[order]) == 0) + 1
    return np.sort(rows[order[repeats]])


def _suspects(ssn: Codes, visit_id: pa.Array) -> Ints:
    """Find the rows whose SSN and visit id might not be unique.

    Equal pairs of SSN and visit id have equal hashes.
    """
    present = np.flatnonzero((ssn.codes != NO_CODE) & visit_id.is_valid().to_numpy(zero_copy_only=False))
    hashes = _hash(ssn, visit_id)[present]
    ordered = np.sort(hashes)
    shared = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if len(shared) == 0:
        return present[:0]
    nearest = np.searchsorted(shared, hashes)
    suspects: Ints = present[shared[np.minimum(nearest, len(shared) - 1)] == hashes]
    return suspects


def _hash(ssn: Codes, visit_id: pa.Array) -> Words:
    texts = pc.fill_null(visit_id, "") if visit_id.null_count else visit_id
    start = (ssn.codes + 1).astype(np.uint64) << np.uint64(32)
    return hash_words(words(texts), start + lengths(texts).astype(np.uint64))


def _newest_first(columns: VisitColumns, rows: Ints) -> Ints:
    if not columns.has("last_updated_date"):
        return np.zeros(len(rows), dtype=np.int64)
    # ~x reverses the order without overflow, and MISSING becomes LAST.
    return ~columns.instants("last_updated_date", rows)[0]


def _missing_last(values: Ints, missing: int = MISSING) -> Ints:
    return np.where(values == missing, LAST, values)
