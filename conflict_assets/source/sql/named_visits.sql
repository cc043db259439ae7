-- Visits that somebody asks for by their ids, whatever became of them, in full. Its parts are those of active_visits.sql,
-- so that both say the same of a visit. Which visits are looked at is no flag of one statement, since this takes a second
-- read of the fact view, and a night's statement has one.
WITH
{% include "parts/classified_visits.sql" %},

named_id AS (
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
        v.ssn IS NOT NULL AND v.visit_id IS NOT NULL AS is_repeated
    FROM visit AS v
    LEFT JOIN named_id AS n ON n.visit_id = v.visit_id
    LEFT JOIN named_ssn AS s ON s.ssn = v.ssn
    WHERE n.visit_id IS NOT NULL OR s.ssn IS NOT NULL
),

{% include "parts/judged_visits.sql" %},

taken AS (
    SELECT j.*
    FROM judged AS j
    JOIN named_id AS n ON n.visit_id = j.visit_id
),

{% include "parts/dimensions.sql" %},

{% include "parts/full_visits.sql" %}

SELECT *
FROM full_visit
ORDER BY visit_id, ssn NULLS LAST, outcome, last_updated_date DESC NULLS LAST
