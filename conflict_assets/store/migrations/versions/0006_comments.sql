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
