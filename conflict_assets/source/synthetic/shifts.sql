-- The visits of one chunk, narrow: who, when in minutes from the midnight of `day`, for which agency and patient.
CREATE OR REPLACE TEMP TABLE shifts AS
WITH working_days AS (
    SELECT person, key, is_multi, day, blend(key, day + 5000) AS luck
    FROM persons, days
    WHERE
        day <= getvariable('last_day')
        AND part(blend(key, day + 5000), 0, 1000)
        < work_per_1000 * CASE WHEN weekend THEN 7 ELSE 11 END // 10
        AND NOT EXISTS (
            FROM taken_days WHERE taken_days.person = persons.person AND taken_days.day = days.day
        )
),

-- One to four visits a day: the day from 06:00 is cut into as many bands as there are visits.
bands AS (
    SELECT lot, cut.visits, number, 840 // cut.visits AS band
    FROM (VALUES (0, 49, 1), (50, 79, 2), (80, 93, 3), (94, 99, 4)) AS cut(first_lot, last_lot, visits)
    JOIN range(100) AS lots(lot) ON lots.lot BETWEEN cut.first_lot AND cut.last_lot
    JOIN range(4) AS numbers(number) ON numbers.number < cut.visits
),

banded AS (
    SELECT
        person, is_multi, day, visits, number, band,
        blend(luck, number + 1) AS luck,
        blend(luck, number + 11) AS luck2
    FROM working_days
    JOIN bands ON bands.lot = part(luck, 12, 100)
),

planned AS (
    SELECT
        *,
        part(luck2, 0, 10000) AS lot,
        -- One visit a day, of a caregiver of one agency: some are nights.
        CASE WHEN visits = 1 AND NOT is_multi AND part(luck, 3, 100) < 8 THEN 1200 + part(luck, 10, 13) * 15
             ELSE 360 + number * band + part(luck, 0, 4) * 15 END::INTEGER AS sch_from,
        CASE WHEN visits = 1 AND NOT is_multi AND part(luck, 3, 100) < 8 THEN 480 + part(luck, 14, 9) * 30
             ELSE greatest(60, least(480, band * (50 + part(luck, 12, 46)) // 1500 * 15)) END::INTEGER AS length,
        day <= -1 AND part(luck2, 14, 100) < 92 AS is_worked
    FROM banded
),

ordinary AS (
    SELECT
        person, day, luck, luck2, number, sch_from, length, is_worked,
        CASE WHEN traits.alone AND is_multi THEN NULL ELSE traits.trait END AS trait,
        sch_from + part(luck, 4, 21)::INTEGER - 10 AS act_from,
        sch_from + length + part(luck, 17, 25)::INTEGER - 10 AS act_to
    FROM planned
    LEFT JOIN traits USING (lot)
),

-- What a trait does to times; see traits.sql.
timed AS (
    SELECT
        person, day, luck, luck2, number, trait,
        CASE trait WHEN 'dated_early' THEN 2880 ELSE 0 END::INTEGER AS late,
        sch_from,
        CASE trait
            WHEN 'no_times' THEN NULL
            WHEN 'empty_schedule' THEN sch_from
            WHEN 'longer_than_a_day' THEN sch_from + length + 1440
            ELSE sch_from + length
        END AS sch_to,
        CASE
            WHEN NOT is_worked OR trait IN ('only_called_out', 'empty_schedule', 'missed') THEN NULL
            WHEN trait IN ('longer_than_a_day', 'dated_early') AND day > -5 THEN NULL
            ELSE act_from
        END AS act_from,
        CASE
            WHEN NOT is_worked OR trait IN ('only_called_in', 'empty_schedule', 'missed', 'no_times') THEN NULL
            WHEN trait IN ('longer_than_a_day', 'dated_early') AND day > -5 THEN NULL
            WHEN trait = 'empty_worked' THEN act_from
            WHEN trait = 'backward_worked' THEN act_from - 75
            WHEN trait = 'longer_than_a_day' THEN act_to + 1440
            ELSE act_to
        END AS act_to
    FROM ordinary
),

numbered AS (
    SELECT
        person * 16384 + (day + 820) * 16 + number + 1000000 AS visit_number,
        person, day, 0 AS dated, luck, luck2,
        0 AS agency,
        -- Mostly patients with an address; the one without is rare.
        CASE WHEN part(luck, 8, 50) = 0 THEN 2 ELSE pick([0, 1, 3], part(luck, 8, 50)) END AS patient,
        sch_from + late AS sch_from,
        sch_to + late AS sch_to,
        act_from + late AS act_from,
        act_to + late AS act_to,
        part(luck, 20, 60)::INTEGER AS seconds,
        1 AS stray,
        0 AS age,
        trait
    FROM timed
),

dealt AS (
    SELECT
        persons.person * 16384 + (episodes.day + 820) * 16 + 3 + visit AS visit_number,
        persons.person,
        episodes.day,
        dated,
        blend(key, (episodes.day + 5000) * 16 + visit + 100000) AS luck,
        agency,
        patient,
        CASE wait WHEN 'short' THEN too_short WHEN 'enough' THEN enough ELSE 0 END
        + CASE WHEN two_days THEN 0 ELSE 15 * part(blend(key, episodes.day + 50000), 0, 10) - 60 END AS later,
        sch_from, sch_to, act_from, act_to, age, trait
    FROM episodes
    JOIN persons USING (person)
    JOIN scenario_visits USING (scenario)
)

SELECT * FROM numbered
UNION ALL BY NAME
-- The older row of a visit that was changed, or cancelled, later.
SELECT * REPLACE (1 AS age, NULL AS trait, sch_from + 45 AS sch_from, sch_to + 45 AS sch_to)
FROM numbered
WHERE trait IN ('duplicate', 'duplicate_cancelled')
UNION ALL BY NAME
SELECT
    visit_number + 1000000 AS visit_number,
    person, day, dated, luck,
    blend(luck, 11) AS luck2,
    agency, patient,
    (sch_from + later)::INTEGER AS sch_from,
    (sch_to + later)::INTEGER AS sch_to,
    (act_from + later)::INTEGER AS act_from,
    (act_to + later)::INTEGER AS act_to,
    0 AS seconds,
    0 AS stray,
    age, trait
FROM dealt;
