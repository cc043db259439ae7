"""The changes to incremental nights that tests must notice: something forgotten, kept, or counted twice."""

from conflict_assets_tests.mutations.rule_changes import Change


def _of(file: str, *changes: tuple[str, str]) -> tuple[Change, ...]:
    return tuple(Change(file, old, new) for old, new in changes)


_UNCHANGED = 'rows.filter(pa.array(~self.changed.holds(numbers(rows["cell"]))))'

FINDING = (
    *_of(
        "source/cells.py",
        ("before = (days == BLOCK_DAYS - 1) &", "before = (days == BLOCK_DAYS) &"),
        ("after = (days == 0) &", "after = (days == BLOCK_DAYS) &"),
        (
            "(min(first, new_first), max(first, new_first) - _DAY)",
            "(min(first, new_first), min(first, new_first) - _DAY)",
        ),
        ("(min(last, new_last) + _DAY, max(last, new_last))", "(min(last, new_last) + _DAY, min(last, new_last))"),
        ('for name in ("visits", "hash_sum"):', 'for name in ("visits",):'),
        ("cells[~_is_in(cells, np.sort(new_cells))]", "cells[:0]"),
        ("[new_cells[~known], new_cells[known]", "[new_cells[:0], new_cells[known]"),
        ("cells.filter(pa.array(~_is_in(_coarse", "cells.filter(pa.array(_is_in(_coarse"),
        ("[self.cells - 1, self.cells, self.cells + 1]", "[self.cells]"),
    ),
    *_of(
        "source/incremental.py",
        ("        _at_moved_ends(base, query, known, now.cells),\n", ""),
        ("        _of_changed_dimensions(base, query, differing_dimensions(seen.dimensions, now.dimensions)),\n", ""),
        ("        _newly_followed(reader, query, seen.watched),\n", ""),
        ('_with_ids(changes, numbers(linked["cell"]), ())', '_with_ids(changes, numbers(touched["cell"]), ())'),
        ("    if elsewhere:\n", "    if False:\n"),
        ('np.concatenate([cells, numbers(of_ids["cell"])])', "cells"),
        ('"address": "patient_key"', '"address": "person_key"'),
        ("        dimensions=reader.dimension_hashes(),\n        outcomes=of_asked", "        outcomes=of_asked"),
        ('before.filter(pa.array(~changed.holds(numbers(before["cell"]))))', "before"),
    ),
    *_of(
        "source/query.py",
        ("DAYS_AROUND = timedelta(days=4)", "DAYS_AROUND = timedelta(days=0)"),
        ('{"any_date": look.spans is None, **bounds}', '{"any_date": False, **bounds}'),
    ),
    *_of(
        "source/sql/parts/looked_at.sql",
        (
            "SELECT cell - 1 AS cell, :block_days - 2 AS first_day",
            "SELECT cell - 1 AS cell, :block_days - 1 AS first_day",
        ),
        ("SELECT cell + 1, 0, 1 FROM changed", "SELECT cell + 1, 0, 0 FROM changed"),
    ),
    *_of("source/sql/repeated_ids.sql", ("WHERE l.cell IS NULL AND v.ssn IS NOT NULL", "WHERE FALSE")),
    *_of("source/sql/dimension_hashes.sql", ('            "Patient Lastname",\n', "")),
    *_of(
        "source/sql/parts/classified_visits.sql",
        ("c.aide_status, is_excluded\n        ) AS caregiver_hash", "c.aide_status\n        ) AS caregiver_hash"),
        ('p."Address State", is_active, is_excluded\n', 'p."Address State", is_excluded\n'),
        ("HASH(p.fact_hash, p.caregiver_hash, a.agency_hash)", "HASH(p.fact_hash, p.caregiver_hash)"),
    ),
)
CARRYING = (
    *_of(
        "source/carried_rows.py",
        (
            f"rows = self._asked(self._left_out)\n        return {_UNCHANGED}",
            "return self._asked(self._left_out)",
        ),
        (
            f"rows = self._asked(self.seen_repeated)\n        return {_UNCHANGED}",
            "return self.seen_repeated.slice(0, 0)",
        ),
        ("contested.filter(pa.array(reached))", "contested"),
        ("pc.and_(held, pc.invert(is_contested))", "pc.invert(is_contested)"),
    ),
    *_of(
        "source/carried_prefix.py",
        (
            "return self._own_is_valid & (~self._own_is_reached | self._found_again(self._own))",
            "return self._own_is_valid",
        ),
        ("        valid[self.parts.stale] = False\n", ""),
        (
            "return ~self._second_is_reached | self._found_again(self._second)",
            "return self._found_again(self._second) | True",
        ),
        ('self.found.filter(pa.array(~np.isin(numbers(self.found["row_hash"]), known)))', "self.found"),
        ("for each in (gone, gone_second, self._new)", "for each in (self._new,)"),
        ("for each in (gone, gone_second, self._new)", "for each in (gone, gone_second)"),
        (
            "self._own.filter(pa.array(self._own_is_valid & ~self._own_is_reached))",
            "self._own.filter(pa.array(self._own_holds))",
        ),
    ),
    *_of(
        "source/snapshot_writer.py",
        ("kept.num_rows + carried.found.num_rows", "kept.num_rows"),
        ("if prefix not in self._changed_ssns else None", "if True else None"),
    ),
    *_of(
        "source/sql/parts/full_visits.sql",
        ("                    service.service_code,\n", ""),
    ),
)
COMMITTING = (
    *_of(
        "store/replace_statements.py",
        ("s.rows_then = s.conflict_rows AND s.rows = s.seen_before", "s.rows_then = s.conflict_rows"),
        ("is_untouched AND s.content = %(basis)s", "s.content = %(basis)s"),
        ("(r.content = %(basis)s AND r.policy_id = %(policy)s)", "(r.content = %(basis)s)"),
        ("           AND (%(ssns)s::text[] IS NULL OR c.ssn = ANY(%(ssns)s))\n", ""),
    ),
    *_of("store/repeat.py", ("policy=policy).is_digest", "policy=policy)")),
)
INCREMENTAL_CHANGES = (*FINDING, *CARRYING, *COMMITTING)
