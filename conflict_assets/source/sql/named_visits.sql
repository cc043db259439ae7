-- Visits that somebody asks for by their ids, whatever became of them, in full. These table expressions take the places
-- of those of the same names in active_visits.sql; all others are its own, so that both say the same of a visit.
WITH named_id AS (
    SELECT DISTINCT item.VALUE::VARCHAR AS visit_id
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:visit_ids))) AS item
),

named_ssn AS (
    SELECT DISTINCT v.ssn
    FROM visit AS v
    JOIN named_id AS n ON n.visit_id = v.visit_id
    WHERE v.ssn IS NOT NULL
),

-- All visits of their caregivers: by them duplicates, overfull days and contested days are known.
chosen AS (
    SELECT
        v.*,
        TRUE AS is_watched,
        v.ssn IS NOT NULL AND v.visit_id IS NOT NULL AS is_repeated,
        n.visit_id IS NOT NULL AS is_named
    FROM visit AS v
    LEFT JOIN named_id AS n ON n.visit_id = v.visit_id
    LEFT JOIN named_ssn AS s ON s.ssn = v.ssn
    WHERE n.visit_id IS NOT NULL OR s.ssn IS NOT NULL
),

judged AS (
    SELECT
        s.*,
        CASE
            WHEN s.first_outcome IS NOT NULL THEN s.first_outcome
            WHEN d.is_dense THEN 'implausible_density'
            WHEN d.ssn IS NOT NULL THEN 'contested'
            ELSE 'uncontested'
        END AS outcome
    FROM single AS s
    LEFT JOIN notable_day AS d ON d.ssn = s.ssn AND d.visit_date = s.visit_date
    WHERE s.is_named
)

SELECT *
FROM contested
ORDER BY visit_id, ssn NULLS LAST, outcome, last_updated_date DESC NULLS LAST
