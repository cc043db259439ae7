-- The rows that travel: contested visits in full; of rejected visits, and of inactive ones near days to be looked at, only
-- prefix, id, outcome, and what the survey has counted them as. Instants travel as microseconds since 1970: a driver that
-- makes nanoseconds of them has no room for the year 9999, which some systems write for "no end".
-- `:survey` is where the rows of the survey lie; `:followed` holds objects such as {"ssn": "041234567", "block": 3}: a
-- block of `:block_days` days of an SSN that the survey does not name.
WITH
{% include "parts/classified_visits.sql" %},

pointed AS (
    SELECT kind, item, block
    FROM TABLE(RESULT_SCAN(:survey))
),

watched AS (
    SELECT item AS ssn, block
    FROM pointed
    WHERE kind = 'suspect'
    UNION
    SELECT PARSE_JSON(item.VALUE::VARCHAR):ssn::VARCHAR, PARSE_JSON(item.VALUE::VARCHAR):block::INTEGER
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:followed))) AS item
),

repeated AS (
    SELECT DISTINCT item::NUMBER(20, 0) AS visit_hash
    FROM pointed
    WHERE kind = 'repeated'
),

-- The only rows that are looked at in full: watched blocks, repeated visit ids, and what is bad by itself.
chosen AS (
    SELECT
        v.*,
        w.ssn IS NOT NULL AS is_watched,
        r.visit_hash IS NOT NULL AND v.ssn IS NOT NULL AS is_repeated
    FROM visit AS v
    LEFT JOIN watched AS w ON w.ssn = v.ssn AND w.block = v.block
    LEFT JOIN repeated AS r ON r.visit_hash = HASH(v.visit_id)
    WHERE is_watched OR is_repeated
        OR v.own_outcome IN ('invalid_ssn', 'missing_key', 'no_times', 'empty_interval')
),

{% include "parts/judged_visits.sql" %},

taken AS (
    SELECT *
    FROM judged
    WHERE outcome <> 'uncontested'
),

{% include "parts/dimensions.sql" %},

{% include "parts/full_visits.sql" %},

left_out AS (
    SELECT ssn_prefix, outcome, own_outcome AS surveyed_as, visit_id
    FROM taken
    WHERE outcome IN (
            'duplicate_visit_id', 'invalid_ssn', 'missing_key', 'no_times', 'empty_interval', 'implausible_density'
        )
        OR (is_watched AND outcome IN ('inactive_status', 'deleted', 'missed', 'unknown_agency', 'inactive_agency'))
)

SELECT * FROM full_visit
UNION ALL BY NAME
SELECT * FROM left_out
ORDER BY ssn_prefix NULLS FIRST, ssn NULLS LAST, visit_date NULLS LAST, visit_id NULLS LAST, outcome
