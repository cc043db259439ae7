-- The planted conflicts of one chunk, each once, with the smaller id (by code points) first.
INSERT INTO planted
WITH pairs AS (
    SELECT
        episodes.person * 16384 + (episodes.day + 820) * 16 + 1000003 AS base,
        pairs.visit,
        pairs.con_visit,
        days.visit_date + first_visit.dated AS visit_date,
        days.visit_date + second_visit.dated AS con_visit_date,
        pairs.flag
    FROM episodes
    JOIN days USING (day)
    JOIN scenario_pairs AS pairs USING (scenario)
    JOIN scenario_visits AS first_visit
        ON first_visit.scenario = pairs.scenario AND first_visit.visit = pairs.visit AND first_visit.age = 0
    JOIN scenario_visits AS second_visit
        ON second_visit.scenario = pairs.scenario AND second_visit.visit = pairs.con_visit AND second_visit.age = 0
),

named AS (
    SELECT (base + visit)::VARCHAR AS one, (base + con_visit)::VARCHAR AS other, * FROM pairs
)

SELECT
    least(one, other),
    greatest(one, other),
    CASE WHEN one < other THEN visit_date ELSE con_visit_date END,
    CASE WHEN one < other THEN con_visit_date ELSE visit_date END,
    flag,
    visit_date <> con_visit_date
FROM named;
