-- The rows that travel: contested visits in full; of rejected visits, and of inactive ones near days to be looked at, only
-- prefix, id, outcome, and what the survey has counted them as. A row that travels only because its visit id is on
-- several rows has the outcome `repeated`. Instants travel as microseconds since 1970: a driver that
-- makes nanoseconds of them has no room for the year 9999, which some systems write for "no end".
-- `:survey` is where the rows of the survey lie; `:followed` holds objects such as {"ssn": "041234567", "block": 3}: a
-- block of `:block_days` days of an SSN that the survey does not name.
WITH
{% include "parts/classified_visits.sql" %},

pointed AS (
    SELECT kind, item, cell
    FROM TABLE(RESULT_SCAN(:survey))
),

named_block AS (
    SELECT
        item AS ssn,
        MOD(cell, :cells_a_bucket) - :cell_of_first_block AS block,
        kind = 'suspect' AS is_suspect
    FROM pointed
    WHERE kind IN ('suspect', 'neighbour')
    UNION ALL
    SELECT
        PARSE_JSON(item.VALUE::VARCHAR):ssn::VARCHAR,
        PARSE_JSON(item.VALUE::VARCHAR):block::INTEGER,
        FALSE
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:followed))) AS item
),

watched AS (
    SELECT ssn, block, BOOLOR_AGG(is_suspect) AS is_suspect
    FROM named_block
    GROUP BY ssn, block
),

repeated AS (
    SELECT DISTINCT item::NUMBER(20, 0) AS id_hash
    FROM pointed
    WHERE kind = 'repeated'
),

-- The only rows that are looked at in full: watched blocks, repeated visit ids, and what is bad by itself.
chosen AS (
    SELECT
        v.*,
        w.ssn IS NOT NULL AS is_watched,
        COALESCE(w.is_suspect, FALSE) AS is_suspect,
        r.id_hash IS NOT NULL AND v.ssn IS NOT NULL AS is_repeated
    FROM visit AS v
    LEFT JOIN watched AS w ON w.ssn = v.ssn AND w.block = v.block
    LEFT JOIN repeated AS r ON r.id_hash = HASH(v.visit_id)
    WHERE is_watched OR is_repeated
        OR v.own_outcome IN ('invalid_ssn', 'missing_key', 'no_times', 'empty_interval')
),

{% include "parts/judged_visits.sql" %},

taken AS (
    SELECT *
    FROM judged
    WHERE outcome <> 'uncontested' OR is_repeated
),

{% include "parts/dimensions.sql" %},

{% include "parts/full_visits.sql" %},

left_out AS (
    SELECT
        ssn_prefix,
        IFF(
            outcome IN (
                'duplicate_visit_id', 'invalid_ssn', 'missing_key', 'no_times', 'empty_interval', 'implausible_density'
            ) OR (
                is_watched
                AND outcome IN ('inactive_status', 'deleted', 'missed', 'unknown_agency', 'inactive_agency')
            ),
            outcome,
            'repeated'
        ) AS outcome,
        own_outcome AS surveyed_as,
        visit_id,
        ssn AS left_out_ssn,
        cell,
        is_suspect,
        IFF(is_repeated, HASH(visit_id)::VARCHAR, NULL) AS id_hash
    FROM taken
    WHERE taken.outcome <> 'contested'
)

SELECT * FROM full_visit
UNION ALL BY NAME
SELECT * FROM left_out WHERE outcome <> 'repeated' OR id_hash IS NOT NULL
ORDER BY ssn_prefix NULLS FIRST, ssn NULLS LAST, visit_date NULLS LAST, visit_id NULLS LAST, outcome
