-- Numbers shared by hundreds. Every second person of this chunk is none: 231 good visits on one date, at three
-- agencies at once (implausible_density). The others have exactly 50, the most that is believed, all at one agency.
CREATE OR REPLACE TEMP TABLE persons AS
SELECT * REPLACE (TRUE AS is_multi, TRUE AS three_agencies) FROM persons;

CREATE OR REPLACE TEMP TABLE shifts AS
SELECT
    person * 16384 + number + 1000000 AS visit_number,
    person,
    (-100 - (person * 7) % 399)::INTEGER AS day,
    0 AS dated,
    blend(key, number) AS luck,
    blend(key, number + 500) AS luck2,
    CASE WHEN person % 2 = 0 THEN number % 3 ELSE 0 END AS agency,
    number % 4 AS patient,
    (360 + number % 40 * 15)::INTEGER AS sch_from,
    (420 + number % 40 * 15)::INTEGER AS sch_to,
    CASE WHEN number % 3 > 0 THEN 365 + number % 40 * 15 END::INTEGER AS act_from,
    CASE WHEN number % 3 > 0 THEN 425 + number % 40 * 15 END::INTEGER AS act_to,
    0 AS seconds,
    0 AS stray,
    0 AS age,
    NULL::VARCHAR AS trait
FROM persons
JOIN range(231) AS numbers(number) ON person % 2 = 0 OR number < 50;
