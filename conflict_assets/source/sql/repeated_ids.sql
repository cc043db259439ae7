-- Visit ids of the kept visits that are on rows elsewhere, too: those rows, by cell and hash. What was kept holds all rows of
-- the ids that were known to be on several.
WITH
known AS (
    SELECT DISTINCT item.VALUE::NUMBER(20, 0) AS id_hash
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:repeated_ids))) AS item
),

kept_id AS (
    SELECT DISTINCT HASH(NULLIF(TRIM(k."Visit Id"), '')) AS id_hash
    FROM TABLE(RESULT_SCAN(:kept)) AS k
    WHERE NULLIF(TRIM(k."Visit Id"), '') IS NOT NULL
),

same_id AS (
    SELECT
        {% include "parts/fact_columns.sql" %}
    FROM FACTVISITCALLPERFORMANCE_CR
    WHERE HASH(NULLIF(TRIM("Visit Id"), '')) IN (
        SELECT i.id_hash
        FROM kept_id AS i
        LEFT JOIN known AS w ON w.id_hash = i.id_hash
        WHERE w.id_hash IS NULL
    )
),

{% set fact_rows = "same_id" %}
{% include "parts/classified_visits.sql" %},

{% include "parts/looked_at.sql" %}

SELECT DISTINCT v.cell, HASH(v.visit_id)::VARCHAR AS id_hash
FROM placed AS v
LEFT JOIN looked_at AS l
    ON l.cell = v.cell AND COALESCE(v.day_of_block, 0) BETWEEN l.first_day AND l.last_day
WHERE l.cell IS NULL AND v.ssn IS NOT NULL
