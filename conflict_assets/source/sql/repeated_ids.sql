-- Of the visits in changed cells, those whose visit id is on another row, too, and all those rows: by cell and hash.
WITH
{% include "parts/classified_visits.sql" %},

changed AS (
    SELECT DISTINCT item.VALUE::BIGINT AS cell
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:changed_cells))) AS item
),

changed_id AS (
    SELECT DISTINCT HASH(v.visit_id) AS id_hash
    FROM visit AS v
    JOIN changed AS c ON c.cell = v.cell
    WHERE v.visit_id IS NOT NULL AND v.ssn IS NOT NULL
),

same_id AS (
    SELECT v.cell, i.id_hash
    FROM visit AS v
    JOIN changed_id AS i ON i.id_hash = HASH(v.visit_id)
    WHERE v.ssn IS NOT NULL
    QUALIFY COUNT(*) OVER (PARTITION BY i.id_hash) > 1
)

SELECT DISTINCT cell, id_hash::VARCHAR AS id_hash
FROM same_id
