-- Visits in conflict that a card of the past decks gives on average, by how many caregivers draw from each.
WITH conflicts AS (
    SELECT scenario, count(DISTINCT visit) AS visits
    FROM (
        SELECT scenario, visit FROM scenario_pairs
        UNION ALL
        SELECT scenario, con_visit FROM scenario_pairs
    )
    GROUP BY scenario
)

SELECT
    (3 * avg(coalesce(visits, 0)) FILTER (NOT three_agencies) + avg(coalesce(visits, 0)) FILTER (three_agencies)) / 4
FROM decks
LEFT JOIN conflicts USING (scenario)
WHERE past;
