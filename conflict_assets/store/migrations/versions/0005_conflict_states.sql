-- The life of a conflict is derived here and stored nowhere. For the platform itself: full SSNs, the prefix.
CREATE OR REPLACE VIEW {view} AS
SELECT
    c.*,
    CASE
        WHEN d.decision IS NOT NULL THEN d.decision
        WHEN c.resolved_at IS NOT NULL THEN 'resolved'
        WHEN least(c.visit_date, c.con_visit_date) < r.first_date
            OR greatest(c.visit_date, c.con_visit_date) > r.last_date THEN 'expired'
        WHEN c.first_detected_at >= r.new_since THEN 'new'
        ELSE 'open'
    END AS status,
    CASE
        WHEN c.resolved_at IS NULL AND least(c.visit_date, c.con_visit_date) >= r.first_date
            AND greatest(c.visit_date, c.con_visit_date) <= r.last_date THEN r.as_of
        ELSE greatest(c.first_detected_at, (
            SELECT max(p.as_of)
            FROM prefix_runs AS p
            WHERE p.ssn_prefix = c.ssn_prefix
                AND p.as_of < coalesce(c.resolved_at, 'infinity')
                AND p.first_date <= least(c.visit_date, c.con_visit_date)
                AND p.last_date >= greatest(c.visit_date, c.con_visit_date)
        ))
    END AS last_detected_at,
    d.decision AS decision,
    d.reason AS decision_reason,
    d.decided_by AS decided_by,
    d.decided_at AS decided_at,
    coalesce(
        d.rule IS NOT NULL AND (d.rule <> c.rule OR d.overlap_minutes IS DISTINCT FROM c.overlap_minutes), false
    ) AS decision_outdated
FROM {rows} AS c
JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
LEFT JOIN holding_decisions AS d ON d.pair_id = c.pair_id;
