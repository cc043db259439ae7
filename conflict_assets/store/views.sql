-- All views of the store. `views.py` fills in what stands in braces (from `view_columns.py`), and runs this when it
-- differs from what the store has, so that every statement may be repeated. A view that is no more stands here as a
-- statement that drops it if it exists.

CREATE OR REPLACE VIEW holding_decisions AS
SELECT d.decision_id, d.pair_id, d.decision, d.reason, d.decided_by, d.decided_at, d.rule, d.overlap_minutes
FROM conflict_decisions AS d
WHERE d.decision <> 'cleared' AND NOT EXISTS (
    SELECT FROM conflict_decisions AS n WHERE n.pair_id = d.pair_id AND n.decision_id > d.decision_id
);
COMMENT ON VIEW holding_decisions IS 'The decision that holds about each pair; none for a pair whose newest is cleared.';

CREATE OR REPLACE VIEW decision_log AS
SELECT
    d.decision_id, d.pair_id, d.visit_id, d.con_visit_id, d.decision, d.reason, d.decided_by, d.decided_at, d.origin,
    d.rule, d.overlap_minutes,
    EXISTS (SELECT FROM holding_decisions AS h WHERE h.decision_id = d.decision_id) AS holds
FROM conflict_decisions AS d;
COMMENT ON VIEW decision_log IS 'Every decision, those that hold and the earlier ones.';

CREATE OR REPLACE VIEW conflict_states AS
SELECT
    {state}
FROM (
    -- Conflicts that hold are a branch of their own, so that a query for them alone does not search for twins.
    SELECT * FROM visit_conflicts WHERE resolved_at IS NULL
    UNION ALL
    SELECT * FROM visit_conflicts AS g
    WHERE g.resolved_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM visit_conflicts AS t WHERE t.pair_id = g.pair_id AND t.resolved_at IS NULL)
) AS c
{state_joins};
COMMENT ON VIEW conflict_states IS
    'Conflict rows with their status: a decision, else resolved, expired, new or open; without a resolved twin, of another SSN, of a conflict that holds. Full SSNs: not for readers.';

CREATE OR REPLACE VIEW all_conflict_states AS
SELECT
    {state}
FROM visit_conflicts AS c
{state_joins};
COMMENT ON VIEW all_conflict_states IS
    'Conflict rows with their status, resolved twins too. Full SSNs: not for readers.';

CREATE OR REPLACE VIEW conflict_sides AS
SELECT
    {sides}
FROM conflict_states AS c
LEFT JOIN conflict_visits AS v
    ON v.ssn_prefix = c.ssn_prefix AND v.ssn = c.ssn AND v.visit_id = c.visit_id
LEFT JOIN conflict_visits AS w
    ON w.ssn_prefix = c.ssn_prefix AND w.ssn = c.ssn AND w.visit_id = c.con_visit_id;
COMMENT ON VIEW conflict_sides IS
    'Every conflict from both of its sides with both visits, and with full SSNs: not for readers.';

CREATE OR REPLACE VIEW conflict_visit_maps AS
SELECT
    {masked_sides}
FROM conflict_sides;
COMMENT ON VIEW conflict_visit_maps IS
    'Every conflict from both of its sides, two rows each, with both visits; flags as Y or N, SSNs masked.';

CREATE OR REPLACE VIEW open_conflicts AS
SELECT *
FROM conflict_visit_maps
WHERE resolved_at IS NULL AND status IN ('new', 'open') AND visit_id < con_visit_id COLLATE "C";
COMMENT ON VIEW open_conflicts IS
    'Conflicts that nobody has decided on and that hold: one row each, from the side of the smaller visit id.';

CREATE OR REPLACE VIEW conflict_summary AS
WITH sides AS (
    SELECT
        c.*,
        row_number() OVER (PARTITION BY c.ssn_prefix, c.ssn, c.visit_id ORDER BY c.rule, c.con_visit_id) AS nth
    FROM conflict_states AS c
    WHERE c.resolved_at IS NULL AND c.status IN ('new', 'open')
)
SELECT
    s.provider_id, max(v.provider_name) AS provider_name, v.payer_id, max(v.contract) AS payer, s.rule,
    date_trunc('month', s.visit_date::timestamp)::date AS month,
    count(*) AS conflicts,
    count(*) FILTER (WHERE s.status = 'new') AS new_conflicts,
    count(*) FILTER (WHERE s.nth = 1) AS visits,
    sum(s.shift_amount) FILTER (WHERE s.nth = 1) AS shift_amount_once_per_visit,
    sum(s.overlap_amount) AS overlap_amount_once_per_row
FROM sides AS s
LEFT JOIN conflict_visits AS v
    ON v.ssn_prefix = s.ssn_prefix AND v.ssn = s.ssn AND v.visit_id = s.visit_id
GROUP BY s.provider_id, v.payer_id, s.rule, date_trunc('month', s.visit_date::timestamp)::date;
COMMENT ON VIEW conflict_summary IS
    'Open conflicts by agency, payer, rule and month. A conflict counts at each of its two agencies; a visit, and its shift amount, at the first of its rules only, so that sums over any rows are right.';

CREATE OR REPLACE VIEW judged_visits AS
SELECT
    s.ssn_prefix, s.ssn, s.visit_id, s.is_actual,
    CASE WHEN s.is_actual THEN s.visit_start_time ELSE s.sch_start_time END AS starts_at,
    CASE WHEN s.is_actual THEN s.visit_end_time ELSE s.sch_end_time END AS ends_at,
    s.latitude, s.longitude, s.p_zip_code AS zip_code
FROM (
    SELECT *, visit_start_time IS NOT NULL AND visit_end_time IS NOT NULL AS is_actual FROM conflict_visits
) AS s;
COMMENT ON VIEW judged_visits IS 'The basis and the interval of each stored visit. Full SSNs: not for readers.';

CREATE OR REPLACE VIEW judged_facts AS
SELECT
    c.ssn_prefix, c.ssn, c.pair_id, c.visit_id, c.con_visit_id, c.rule, c.overlap_minutes, c.resolved_at,
    {judged_facts}
FROM visit_conflicts AS c
LEFT JOIN visit_conflicts AS o
    ON o.ssn_prefix = c.ssn_prefix AND o.ssn = c.ssn AND o.visit_id = c.con_visit_id AND o.con_visit_id = c.visit_id
LEFT JOIN judged_visits AS v
    ON v.ssn_prefix = c.ssn_prefix AND v.ssn = c.ssn AND v.visit_id = c.visit_id
LEFT JOIN judged_visits AS w
    ON w.ssn_prefix = c.ssn_prefix AND w.ssn = c.ssn AND w.visit_id = c.con_visit_id
WHERE c.visit_id < c.con_visit_id COLLATE "C";
COMMENT ON VIEW judged_facts IS
    'What the verdict about each stored conflict rests on, as an event keeps it; full SSNs: not for readers.';

CREATE OR REPLACE VIEW conflict_events AS
SELECT
    h.event_id, h.pair_id, '***-**-' || right(h.ssn, 4) AS ssn, h.event, h.reason, h.happened_at, h.run_id, h.rule,
    h.overlap_minutes,
    {event_sides},
    {trip}, h.policy_id, p.policy
FROM conflict_history AS h
LEFT JOIN detection_policies AS p ON p.policy_id = h.policy_id;
COMMENT ON VIEW conflict_events IS
    'What happened to conflicts, and what each verdict rested on: both visits as they were judged, and the policy. SSNs masked.';

-- Every column of the views that people read says what it holds. Most comments are those of the tables' columns.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        WITH viewed (name, reads) AS (VALUES
            ('conflict_visit_maps', 'conflicts'), ('open_conflicts', 'conflicts'), ('conflict_events', 'events'),
            ('decision_log', 'decisions'), ('conflict_summary', 'summary')
        ), own (reads, name, meaning) AS (VALUES
            ('conflicts', 'status', 'new, open, resolved, expired, whitelisted or ignored'),
            ('conflicts', 'ssn', 'Social Security number of the caregiver, masked'),
            ('conflicts', 'overlap_amount', 'Dollars of the overlap, at the rate of this side''s visit'),
            ('conflicts', 'last_detected_at', 'Snapshot time of the latest run that found it'),
            ('conflicts', 'decision', 'whitelisted or ignored; null while no decision holds'),
            ('conflicts', 'decision_reason', 'Why it was decided so'),
            ('conflicts', 'decided_by', 'Who decided'),
            ('conflicts', 'decided_at', 'When it was decided'),
            ('conflicts', 'decision_outdated', 'Whether rule or overlap have changed since it was decided'),
            ('events', 'ssn', 'Social Security number of the caregiver, masked'),
            ('events', 'basis', 'actual or scheduled: the times that the visit was judged by'),
            ('events', 'con_basis', 'actual or scheduled: the times that the other one was judged by'),
            ('events', 'policy', 'The choices that the run judged by'),
            ('decisions', 'holds', 'Whether it is the one that holds about the pair'),
            ('summary', 'provider_id', 'The agency'),
            ('summary', 'provider_name', 'Name of the agency'),
            ('summary', 'payer_id', 'Who pays'),
            ('summary', 'payer', 'Name of the payer, else of the contract'),
            ('summary', 'rule', 'Which of the seven rules holds'),
            ('summary', 'month', 'First day of the month of the agency''s visit'),
            ('summary', 'conflicts', 'Open conflicts; each counts at both of its agencies'),
            ('summary', 'new_conflicts', 'Those that were first detected on the date of the latest run'),
            ('summary', 'visits', 'Visits in these conflicts, each at the first of its rules only'),
            ('summary', 'shift_amount_once_per_visit', 'Dollars of the whole visits, each once'),
            ('summary', 'overlap_amount_once_per_row', 'Dollars of the overlaps at this agency''s rates')
        ), source (reads, number, name) AS (VALUES
            ('conflicts', 1, 'visit_conflicts'), ('conflicts', 2, 'conflict_visits'),
            ('events', 1, 'conflict_history'), ('decisions', 1, 'conflict_decisions')
        ), told AS (
            SELECT s.reads, s.number, a.attname AS name, col_description(a.attrelid, a.attnum) AS meaning
            FROM source AS s JOIN pg_attribute AS a ON a.attrelid = s.name::regclass
            WHERE a.attnum > 0 AND NOT a.attisdropped
        )
        SELECT v.name AS view, a.attname AS name, coalesce(
            (SELECT o.meaning FROM own AS o WHERE o.reads = v.reads AND o.name = a.attname),
            (SELECT t.meaning || CASE WHEN a.atttypid = 'text'::regtype AND t.meaning LIKE 'Rule _: %' THEN '; Y or N' ELSE '' END
             FROM told AS t WHERE t.reads = v.reads AND t.name = a.attname ORDER BY t.number LIMIT 1),
            (SELECT 'Of the other visit: ' || t.meaning
             FROM told AS t WHERE t.reads = v.reads AND 'con_' || t.name = a.attname ORDER BY t.number DESC LIMIT 1)
        ) AS meaning
        FROM viewed AS v JOIN pg_attribute AS a ON a.attrelid = v.name::regclass
        WHERE a.attnum > 0 AND NOT a.attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', one.view, one.name, one.meaning);
    END LOOP;
END
$$;
