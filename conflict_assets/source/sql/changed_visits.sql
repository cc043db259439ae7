-- The rows of the fact view that a night has to look at again, as they are stored: those of changed cells, those of the two
-- days before and after one (whether a day is contested depends on its neighbours), and those of repeated visit ids.
-- All of them have dates in two spans, unless `:any_date`: a warehouse that keeps visits by their dates skips the others.
WITH
near AS (
    SELECT
        {% include "parts/fact_columns.sql" %}
    FROM FACTVISITCALLPERFORMANCE_CR
    WHERE :any_date
        OR ("Visit Date" >= :first_begin::TIMESTAMP_TZ AND "Visit Date" < :first_end::TIMESTAMP_TZ)
        OR ("Visit Date" >= :second_begin::TIMESTAMP_TZ AND "Visit Date" < :second_end::TIMESTAMP_TZ)
),

{% set fact_rows = "near" %}
{% include "parts/classified_visits.sql" %},

{% include "parts/looked_at.sql" %},

repeated AS (
    SELECT DISTINCT item.VALUE::NUMBER(20, 0) AS id_hash
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:repeated_ids))) AS item
)

SELECT
    {% include "parts/fact_columns.sql" %}
FROM placed AS v
LEFT JOIN looked_at AS l
    ON l.cell = v.cell AND COALESCE(v.day_of_block, 0) BETWEEN l.first_day AND l.last_day
LEFT JOIN repeated AS r ON r.id_hash = IFF(:any_repeated, HASH(v.visit_id), NULL)
WHERE l.cell IS NOT NULL OR r.id_hash IS NOT NULL
