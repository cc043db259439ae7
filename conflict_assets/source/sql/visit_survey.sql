-- The survey counts every visit by its own outcome and its cell, and says where the second statement has to look. It reads narrow
-- columns only and stores no row. A visit that is good by itself has a null outcome. Dates go by blocks of
-- `:block_days` days. Only good visits have an agency here: a crowd's other visits, counted with them, have none.
WITH
{% include "parts/classified_visits.sql" %},

surveyed AS (
    SELECT
        cell,
        own_outcome,
        IFF(is_in_crowd, ssn, NULL) AS crowd_ssn,
        block,
        IFF(own_outcome IS NULL, provider_id, NULL) AS good_agency,
        visit_date,
        IFF(ssn IS NULL OR visit_id IS NULL, NULL, HASH(visit_id)) AS id_hash
    FROM visit
),

-- Three groupings in one pass: all visits by cell and outcome, crowds by caregiver, block and agency, and all by visit id.
grouped AS (
    SELECT
        cell,
        own_outcome,
        crowd_ssn,
        block,
        good_agency,
        id_hash,
        GROUPING(own_outcome) = 0 AS is_count,
        COUNT(*) AS visits,
        MIN(visit_date) AS first_date,
        MAX(visit_date) AS last_date
    FROM surveyed
    GROUP BY GROUPING SETS ((cell, own_outcome), (crowd_ssn, block, good_agency), (id_hash))
    HAVING GROUPING(id_hash) = 1 OR COUNT(*) > 1
),

good_block AS (
    SELECT
        crowd_ssn AS ssn,
        block,
        MIN(good_agency) AS first_agency,
        MAX(good_agency) AS last_agency,
        MIN(IFF(good_agency IS NULL, NULL, first_date)) AS first_date,
        MAX(IFF(good_agency IS NULL, NULL, last_date)) AS last_date,
        SUM(visits) AS visits
    FROM grouped
    WHERE crowd_ssn IS NOT NULL
    GROUP BY crowd_ssn, block
    HAVING MIN(good_agency) IS NOT NULL
),

-- Only caregivers of several agencies, or of more visits than a day may hold, can have a day to be looked at.
several AS (
    SELECT ssn
    FROM good_block
    GROUP BY ssn
    HAVING MIN(first_agency) <> MAX(last_agency) OR MAX(visits) > :max_visits_per_day
),

neighbourly_block AS (
    SELECT
        b.*,
        LAG(b.last_date) OVER (PARTITION BY b.ssn ORDER BY b.block) = b.first_date - 1 AS touches_previous,
        LAG(b.first_agency) OVER (PARTITION BY b.ssn ORDER BY b.block) AS previous_first,
        LAG(b.last_agency) OVER (PARTITION BY b.ssn ORDER BY b.block) AS previous_last,
        LEAD(b.first_date) OVER (PARTITION BY b.ssn ORDER BY b.block) = b.last_date + 1 AS touches_next,
        LEAD(b.first_agency) OVER (PARTITION BY b.ssn ORDER BY b.block) AS next_first,
        LEAD(b.last_agency) OVER (PARTITION BY b.ssn ORDER BY b.block) AS next_last
    FROM good_block AS b
    JOIN several ON several.ssn = b.ssn
)

SELECT 'visits' AS kind, own_outcome AS item, cell, visits
FROM grouped
WHERE is_count

UNION ALL

-- Where a caregiver has good visits at two agencies, or more visits than a day may hold, in a block or next to it.
SELECT
    IFF(first_agency <> last_agency OR visits > :max_visits_per_day, 'suspect', 'neighbour'),
    ssn,
    ((SUBSTR(ssn, 1, :prefix_length)::INTEGER + 1) * :buckets + BITAND(HASH(ssn), :bucket_mask)::INTEGER)::BIGINT
        * :cells_a_bucket + block + :cell_of_first_block,
    NULL
FROM neighbourly_block
WHERE first_agency <> last_agency
    OR visits > :max_visits_per_day
    OR (touches_previous AND (first_agency <> previous_first OR first_agency <> previous_last))
    OR (touches_next AND (first_agency <> next_first OR first_agency <> next_last))

UNION ALL

-- Visit ids that may be on more than one row of an SSN, by their hashes.
SELECT 'repeated', id_hash::VARCHAR, NULL, visits
FROM grouped
WHERE id_hash IS NOT NULL
