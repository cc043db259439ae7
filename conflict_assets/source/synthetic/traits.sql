-- What may be out of the ordinary about a row, and how many of 10,000 ordinary rows have it. Each stands for a reason
-- or a note of the rules, or must change nothing (padded ids, flags that are not filled). What a trait does to times
-- is in shifts.sql, to the other columns in fact.sql. `alone`: only for caregivers of a single agency, because
-- it moves a visit to where it could meet others.
CREATE TEMP TABLE traits AS
WITH known AS (
    FROM (VALUES
        ('cancelled', 150, FALSE),
        ('cancelled_spelled_oddly', 20, FALSE),
        ('status_deleted', 50, FALSE),
        ('status_pending', 60, FALSE),
        ('null_status', 30, FALSE),
        ('deleted', 60, FALSE),
        ('missed', 80, FALSE),
        ('null_flags', 20, FALSE),
        ('unknown_agency', 20, FALSE),
        ('no_agency', 4, FALSE),
        ('inactive_agency', 40, FALSE),
        ('demo_agency', 20, FALSE),
        ('ssn_zeros', 15, FALSE),
        ('ssn_nines', 15, FALSE),
        ('ssn_blank', 12, FALSE),
        ('ssn_null', 8, FALSE),
        ('caregiver_unknown', 15, FALSE),
        ('no_caregiver', 5, FALSE),
        ('ssn_short', 8, FALSE),
        ('ssn_letters', 6, FALSE),
        ('ssn_long', 6, FALSE),
        ('no_visit_id', 6, FALSE),
        ('blank_visit_id', 5, FALSE),
        ('no_visit_date', 6, FALSE),
        ('no_times', 12, FALSE),
        ('empty_schedule', 8, FALSE),
        ('empty_worked', 6, FALSE),
        ('backward_worked', 6, FALSE),
        ('duplicate', 30, FALSE),
        ('duplicate_cancelled', 15, FALSE),
        ('padded_ids', 15, FALSE),
        ('only_called_in', 60, FALSE),
        ('only_called_out', 30, FALSE),
        ('gps_comma', 250, FALSE),
        ('gps_out_only', 60, FALSE),
        ('gps_zero', 30, FALSE),
        ('gps_out_of_range', 20, FALSE),
        ('gps_no_number', 20, FALSE),
        ('padded_agency', 10, FALSE),
        ('longer_than_a_day', 10, TRUE),
        ('dated_early', 10, TRUE)
    ) AS written(trait, of_10000, alone)
),

spans AS (
    SELECT trait, alone, of_10000, sum(of_10000) OVER (ORDER BY trait) - of_10000 AS first_lot
    FROM known
)

SELECT trait, alone, first_lot + numbers.number AS lot
FROM spans
JOIN range(10000) AS numbers(number) ON numbers.number < spans.of_10000;
