-- Visits counted by prefix and reason: a narrow row a prefix.
WITH tally AS (
    SELECT
        l.ssn_prefix,
        l.outcome,
        COUNT(*) AS visits,
        COUNT_IF(
            l.is_active AND (
                (l.in_text IS NOT NULL AND NOT l.is_good_in)
                OR (l.out_text IS NOT NULL AND NOT l.is_good_out)
                OR COALESCE(a.is_bad_home, FALSE)
            )
        ) AS bad_coordinates,
        COUNT_IF(l.is_active AND :has_status AND l.visit_status IS NULL) AS missing_status,
        COUNT_IF(
            CASE
                WHEN NOT l.is_active THEN FALSE
                WHEN l.end_time > DATEADD(HOUR, 24, l.start_time) THEN TRUE
                -- No zone's midnight is so far from that of UTC that these need a closer look.
                WHEN l.start_time >= DATEADD(HOUR, -12, l.visit_date::TIMESTAMP_NTZ)
                    AND l.start_time < DATEADD(HOUR, 34, l.visit_date::TIMESTAMP_NTZ) THEN FALSE
                ELSE l.start_time < DATEADD(
                        HOUR, -24, CONVERT_TIMEZONE(:source_zone, 'UTC', l.visit_date::TIMESTAMP_NTZ)
                    )
                    OR l.start_time >= DATEADD(
                        HOUR, 48, CONVERT_TIMEZONE(:source_zone, 'UTC', l.visit_date::TIMESTAMP_NTZ)
                    )
            END
        ) AS odd_times,
        COUNT_IF(l.is_active AND (l.visit_start_time IS NULL) <> (l.visit_end_time IS NULL)) AS one_actual_time,
        COUNT(DISTINCT IFF(l.outcome = 'contested', l.ssn, NULL)) AS contested_caregivers
    FROM located AS l
    LEFT JOIN address AS a ON a.patient_id = l.provider_patient_id
    GROUP BY l.ssn_prefix, l.outcome
)

SELECT
    ssn_prefix,
    SUM(visits) AS visits_seen,
    SUM(IFF(outcome IN ('contested', 'uncontested'), visits, 0)) AS active,
    SUM(IFF(outcome = 'contested', visits, 0)) AS contested,
    SUM(IFF(outcome = 'inactive_status', visits, 0)) AS inactive_status,
    SUM(IFF(outcome = 'deleted', visits, 0)) AS deleted,
    SUM(IFF(outcome = 'missed', visits, 0)) AS missed,
    SUM(IFF(outcome = 'out_of_window', visits, 0)) AS out_of_window,
    SUM(IFF(outcome = 'unknown_agency', visits, 0)) AS unknown_agency,
    SUM(IFF(outcome = 'inactive_agency', visits, 0)) AS inactive_agency,
    SUM(IFF(outcome = 'excluded_agency', visits, 0)) AS excluded_agency,
    SUM(IFF(outcome = 'excluded_ssn', visits, 0)) AS excluded_ssn,
    SUM(IFF(outcome = 'duplicate_visit_id', visits, 0)) AS duplicate_visit_id,
    SUM(IFF(outcome = 'missing_ssn', visits, 0)) AS missing_ssn,
    SUM(IFF(outcome = 'invalid_ssn', visits, 0)) AS invalid_ssn,
    SUM(IFF(outcome = 'missing_key', visits, 0)) AS missing_key,
    SUM(IFF(outcome = 'no_times', visits, 0)) AS no_times,
    SUM(IFF(outcome = 'empty_interval', visits, 0)) AS empty_interval,
    SUM(IFF(outcome = 'implausible_density', visits, 0)) AS implausible_density,
    SUM(bad_coordinates) AS bad_coordinates,
    SUM(missing_status) AS missing_status,
    SUM(odd_times) AS odd_times,
    SUM(one_actual_time) AS one_actual_time,
    SUM(contested_caregivers) AS contested_caregivers
FROM tally
GROUP BY ssn_prefix
ORDER BY ssn_prefix NULLS FIRST
