"""The changes that the domain's tests must notice: every comparison, connective and constant of the rules."""

from typing import NamedTuple


class Change(NamedTuple):
    """A text of a file of the domain, and what is put in its place."""

    file: str
    old: str
    new: str


RULES = tuple(
    Change("rules.py", old, new)
    for old, new in (
        ("start[left] == start[right]) & (end", "start[left] == start[right]) | (end"),
        ("(end[left] == end[right])", "(end[left] >= end[right])"),
        ("(start[left] < end[right]) & (start", "(start[left] <= end[right]) & (start"),
        ("(start[right] < end[left]) & ~same", "(start[right] <= end[left]) & ~same"),
        ("(start[left] < end[right]) & (start", "(start[left] < end[right]) | (start"),
        ("(start[right] < end[left]) & ~same", "(start[right] < end[left])"),
        ("both_actual = visits.actual[left] & visits", "both_actual = visits.actual[left] | visits"),
        ("visits.actual[left] ^ visits.actual[right]", "visits.actual[left] & visits.actual[right]"),
        (
            "np.where(both_actual, 1, np.where(one_actual, 2, 0))",
            "np.where(both_actual, 2, np.where(one_actual, 1, 0))",
        ),
        ("np.flatnonzero(both_actual & ~same & ~overlap", "np.flatnonzero(~same & ~overlap"),
        ("(zip_code != con_zip_code) | (zip_code == NO_CODE)", "(zip_code != con_zip_code)"),
        ("(zip_code != con_zip_code) | (zip_code == NO_CODE)", "(zip_code != con_zip_code) & (zip_code != NO_CODE)"),
        ("policy).minutes > gap", "policy).minutes >= gap"),
        ("impossible & (gap > 0)", "impossible & (gap >= 0)"),
        ("impossible if policy.back_to_back_counts else", "impossible if not policy.back_to_back_counts else"),
        ("return minutes(np.maximum(gap, 0))", "return minutes(gap)"),
        ("return minutes(np.maximum(shared, 0))", "return minutes(shared)"),
        ("np.array([0, 0, 0, 0, 1, 1, 1, 2])", "np.array([0, 0, 0, 0, 0, 1, 1, 2])"),
    )
)
TRAVEL = tuple(
    Change("travel.py", old, new)
    for old, new in (
        ("EARTH_RADIUS_MILES = 3958.7613", "EARTH_RADIUS_MILES = 3958.8"),
        ("MINUTES_PER_HOUR = 60", "MINUTES_PER_HOUR = 61"),
        ("DECIMALS = 2", "DECIMALS = 3"),
        ("MAX_LATITUDE, MAX_LONGITUDE = 90, 180", "MAX_LATITUDE, MAX_LONGITUDE = 91, 180"),
        ("MAX_LATITUDE, MAX_LONGITUDE = 90, 180", "MAX_LATITUDE, MAX_LONGITUDE = 90, 181"),
        ("(np.abs(latitude) <= MAX_LATITUDE)", "(np.abs(latitude) < MAX_LATITUDE)"),
        ("(np.abs(longitude) <= MAX_LONGITUDE)", "(np.abs(longitude) < MAX_LONGITUDE)"),
        ("(latitude != 0) | (longitude != 0)", "(latitude != 0) & (longitude != 0)"),
        ("np.cos(phi) * np.cos(con_phi) * np.sin(half_lambda)", "np.cos(phi) * np.cos(phi) * np.sin(half_lambda)"),
        (
            "np.round(great_circle * policy.extra_distance_factor, DECIMALS)",
            "great_circle * policy.extra_distance_factor",
        ),
        ("great_circle * policy.extra_distance_factor", "great_circle * 1.25"),
        ('side="right"', 'side="left"'),
        ("np.round(distance / speed * MINUTES_PER_HOUR, DECIMALS)", "distance / speed * MINUTES_PER_HOUR"),
        ("np.maximum(longest, within / speed", "np.minimum(longest, within / speed"),
        ("np.where(farthest >= start,", "np.where(farthest < start,"),
        ("latitude_span + longitude_span", "latitude_span"),
    )
)
PAIRS = (
    Change("pairs.py", "days_apart = 1 if policy.cross_midnight else 0", "days_apart = 1"),
    Change("pairs.py", "days_apart = 1 if policy.cross_midnight else 0", "days_apart = 0"),
    Change("pairs.py", "days_apart = 1 if policy.cross_midnight", "days_apart = 2 if policy.cross_midnight"),
    Change("pairs.py", "visits.date[right]) <= days_apart", "visits.date[right]) < days_apart"),
    Change("pairs.py", "visits.agency[left] != visits.agency[right]", "visits.agency[left] >= visits.agency[right]"),
    Change("pairs.py", "(visits.ssn[left] == visits.ssn[right]) & (visits", "(visits"),
    Change("pairs.py", "(visits.start[right] < until[left])", "(visits.start[right] < visits.end[left])"),
    Change("pairs.py", "travels = visits.actual & ~np", "travels = ~visits.actual & ~np"),
    Change("contested.py", "eligible &= ~visits.one_actual", "eligible &= visits.one_actual"),
    Change("contested.py", 'policy.incomplete_actuals == "ignore"', 'policy.incomplete_actuals == "scheduled"'),
    Change("contested.py", "_pairs_within(visits) - _pairs_within(in_group)", "_pairs_within(visits)"),
    Change("contested.py", "np.diff(number) == 1", "np.diff(number) <= 2"),
    Change("contested.py", "several | np.roll(several, -1)", "np.roll(several, -1)"),
    Change("contested.py", "(some_agency != following) & (some_agency", "(some_agency == following) & (some_agency"),
    Change("contested.py", "unlike_following | np.roll(unlike_following, 1)", "unlike_following"),
)
SORTING = tuple(
    Change("classification.py", old, new)
    for old, new in (
        ("actual = has_start & has_end", "actual = has_start | has_end"),
        ("one_actual=has_start ^ has_end", "one_actual=has_start | has_end"),
        ("(has_latitude | has_longitude) & ~usable", "(has_latitude & has_longitude) & ~usable"),
        ("no_id | (visits.agency.codes == NO_CODE)", "no_id & (visits.agency.codes == NO_CODE)"),
        ("(visits.agency.codes == NO_CODE) | (visits.date", "(visits.agency.codes == NO_CODE) & (visits.date"),
        ("(visits.start == MISSING) | (visits.end == MISSING)", "(visits.start == MISSING) & (visits.end == MISSING)"),
        ("visits.end <= visits.start", "visits.end < visits.start"),
        ("in_bucket.max() <= limit", "in_bucket.max() < 2 * limit"),
        ("per_visit > limit", "per_visit >= limit"),
        ("outcome[holds & (outcome == GOOD)]", "outcome[holds]"),
        ("_implausibly_dense(visits, outcome == GOOD,", "_implausibly_dense(visits, outcome >= 0,"),
        ("(start < midnight - MICROSECONDS_PER_DAY)", "(start <= midnight - MICROSECONDS_PER_DAY)"),
        ("(start >= midnight + 2 * MICROSECONDS_PER_DAY)", "(start > midnight + 2 * MICROSECONDS_PER_DAY)"),
        ("far | (end - start > MICROSECONDS_PER_DAY)", "far | (end - start >= MICROSECONDS_PER_DAY)"),
        ("far | (end - start > MICROSECONDS_PER_DAY)", "far & (end - start > MICROSECONDS_PER_DAY)"),
        ("np.count_nonzero(notes[note] & good)", "np.count_nonzero(notes[note])"),
    )
)
NORMALIZING = (
    *(
        Change("normalization.py", old, new)
        for old, new in (
            ("SSN_DIGITS, ZIP_DIGITS = 9, 5", "SSN_DIGITS, ZIP_DIGITS = 8, 5"),
            ("SSN_DIGITS, ZIP_DIGITS = 9, 5", "SSN_DIGITS, ZIP_DIGITS = 9, 6"),
            ("ssn.isascii() and ssn.isdigit()", "ssn.isascii() or ssn.isdigit()"),
            ("len(ssn) == SSN_DIGITS and", "len(ssn) >= SSN_DIGITS and"),
            ("MOST_ZEROS_LOST = 2", "MOST_ZEROS_LOST = 1"),
            ("MOST_ZEROS_LOST = 2", "MOST_ZEROS_LOST = 3"),
            ("(*WHITE_SPACE, *_ZERO_WIDTH, *_CONTROL)", "(*WHITE_SPACE, *_ZERO_WIDTH)"),
            ("(*WHITE_SPACE, *_ZERO_WIDTH, *_CONTROL)", "(*WHITE_SPACE, *_CONTROL)"),
            ("(*WHITE_SPACE, *_ZERO_WIDTH, *_CONTROL)", "(*_ZERO_WIDTH, *_CONTROL)"),
            ('f"-{characters(WHITE_SPACE)}"', 'f"-"'),
            ('f"-{characters(WHITE_SPACE)}"', "characters(WHITE_SPACE)"),
            ("return trimmed(text).translate", "return text.translate"),
            ("digits - len(number) <= MOST_ZEROS_LOST", "True"),
            ('if dash else ""', 'if True else ""'),
            ('("[0-9]{5}", "[0-9]{3,4}")', '("[0-9]{3,5}",)'),
        )
    ),
    Change("columns/text_types.py", "pc.less_equal(lack, MOST_ZEROS_LOST)", "pc.less_equal(lack, 99)"),
)
RESULT = (
    Change("duplicates.py", "return ~columns.instants(", "return columns.instants("),
    Change("duplicates.py", "np.where(values == missing, LAST, values)", "values"),
    Change("duplicates.py", "(ssn.codes != NO_CODE) & visit_id", "visit_id"),
    Change("duplicates.py", "np.diff(group[order]) == 0", "np.diff(group[order]) <= 1"),
    Change("impact.py", "MINUTES_PER_HOUR = 60", "MINUTES_PER_HOUR = 100"),
    Change("impact.py", "(values > 0) & np.isfinite(values)", "(values >= 0) & np.isfinite(values)"),
    Change("impact.py", "(values > 0) & np.isfinite(values)", "(values > 0)"),
    Change("impact.py", '("daily", "visit")', '("daily",)'),
    Change("impact.py", "trimmed(text).lower()", "trimmed(text)"),
    Change("impact.py", "np.where(billed, 2, actual.astype(np.int64))", "np.where(actual, 1, 2 * billed)"),
    Change("impact.py", "cost_type=billed.astype(np.int64)", "cost_type=1 - billed.astype(np.int64)"),
    Change("impact.py", 'if columns.has("rate"):', 'if not columns.has("billed_rate"):'),
    Change("conflict_ids.py", "DIGEST_BYTES = 16", "DIGEST_BYTES = 15"),
    Change("conflict_ids.py", "pc.binary_length(utf8)", "pc.utf8_length(texts)"),
    Change("conflict_rows.py", "np.minimum(left, right), np.maximum(left, right))", "left, right)"),
    Change("conflict_rows.py", "paired.date[left] != paired.date[right]", "paired.date[left] < paired.date[right] - 1"),
    Change("conflict_rows.py", "_nullable(rate_per_minute * overlap)", "_nullable(shift_amount[own])"),
    Change("detection.py", "len(conflicts) // 2", "len(conflicts)"),
    Change("policy.py", "self.extra_distance_factor <= 0", "self.extra_distance_factor < 0"),
    Change("policy.py", "if rows[0][0] != 0:", "if rows[0][0] < 0:"),
    Change("policy.py", "if end is None or end > start:", "if end is not None and end > start:"),
    Change("policy.py", "if end < start:", "if end < start - 1:"),
    Change("policy.py", "speed is None or speed <= 0", "speed is None or speed < 0"),
    Change("policy.py", "not isinstance(limit, int) or limit < 1", "not isinstance(limit, int) or limit < 0"),
)
VALUES = (
    Change("calendar.py", "date(1, 1, 2)", "date(1, 1, 1)"),
    Change("calendar.py", "date(9999, 12, 30)", "date(9999, 12, 29)"),
    Change(
        "columns/instants.py", "odd = (values < first) | (values >= end)", "odd = (values <= first) | (values >= end)"
    ),
    Change(
        "columns/instants.py", "odd = (values < first) | (values >= end)", "odd = (values < first) | (values > end)"
    ),
    Change("columns/instants.py", "odd &= values != MISSING", "odd &= values != FAR"),
    Change("columns/instants.py", "(whole | missing | odd).all()", "(whole | missing).all()"),
    Change("classification.py", "visits.odd_dates | _has_odd_update(columns)", "visits.odd_dates"),
    Change("classification.py", "odd_dates = odd_dates | is_odd", "odd_dates = is_odd"),
    Change("columns/numbers.py", "re.fullmatch(NUMBER_TEXT", "re.match(NUMBER_TEXT"),
    Change("policy.py", "if not isinstance(bands, Iterable):", "if bands is None:"),
)
CHANGES = RULES + TRAVEL + PAIRS + SORTING + NORMALIZING + RESULT + VALUES
