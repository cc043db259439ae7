-- The outcome of each visit of `chosen`: the statement says there which visits are looked at, and of each whether its
-- block is watched and whether its visit id may be on another row of its SSN.
single AS (
    SELECT v.*, v.own_outcome AS first_outcome
    FROM chosen AS v
    WHERE NOT v.is_repeated
    UNION ALL
    SELECT
        v.*,
        IFF(
            ROW_NUMBER() OVER (
                PARTITION BY v.ssn, v.visit_id
                ORDER BY
                    CONVERT_TIMEZONE('UTC', v."Visit Updated Timestamp")::TIMESTAMP_NTZ DESC NULLS LAST,
                    v.provider_id NULLS LAST,
                    v.visit_date NULLS LAST,
                    v.visit_start_time NULLS LAST,
                    v.visit_end_time NULLS LAST,
                    v.sch_start_time NULLS LAST,
                    v.sch_end_time NULLS LAST,
                    v.own_outcome NULLS FIRST,
                    v."Application Visit Id" NULLS LAST
            ) = 1,
            v.own_outcome,
            'duplicate_visit_id'
        ) AS first_outcome
    FROM chosen AS v
    WHERE v.is_repeated
),

-- The first and the last agency of a day's good visits; none of a day that holds too many, of whatever agencies.
agency_day AS (
    SELECT
        ssn,
        visit_date,
        COUNT(*) > :max_visits_per_day AS is_dense,
        IFF(is_dense, NULL, MIN(IFF(first_outcome IS NULL, provider_id, NULL))) AS first_agency,
        IFF(is_dense, NULL, MAX(IFF(first_outcome IS NULL, provider_id, NULL))) AS last_agency
    FROM single
    WHERE is_watched AND is_in_crowd AND COALESCE(first_outcome, '') <> 'duplicate_visit_id'
    GROUP BY ssn, visit_date
),

neighbourly_day AS (
    SELECT
        *,
        :cross_midnight AND LAG(visit_date) OVER (PARTITION BY ssn ORDER BY visit_date) = visit_date - 1 AS has_previous,
        LAG(first_agency) OVER (PARTITION BY ssn ORDER BY visit_date) AS previous_first,
        LAG(last_agency) OVER (PARTITION BY ssn ORDER BY visit_date) AS previous_last,
        :cross_midnight AND LEAD(visit_date) OVER (PARTITION BY ssn ORDER BY visit_date) = visit_date + 1 AS has_next,
        LEAD(first_agency) OVER (PARTITION BY ssn ORDER BY visit_date) AS next_first,
        LEAD(last_agency) OVER (PARTITION BY ssn ORDER BY visit_date) AS next_last
    FROM agency_day
),

notable_day AS (
    SELECT ssn, visit_date, is_dense
    FROM neighbourly_day
    WHERE is_dense
        OR first_agency <> last_agency
        OR (has_previous AND (first_agency <> previous_first OR first_agency <> previous_last))
        OR (has_next AND (first_agency <> next_first OR first_agency <> next_last))
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
)
