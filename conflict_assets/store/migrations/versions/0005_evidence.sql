-- Decisions are only ever appended to: of those about a pair the newest holds.
ALTER TABLE conflict_decisions DROP CONSTRAINT conflict_decisions_pkey;
ALTER TABLE conflict_decisions ADD COLUMN decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
CREATE INDEX conflict_decisions_pair ON conflict_decisions (pair_id, decision_id);
COMMENT ON TABLE conflict_decisions IS
    'What people decided about conflicts, only ever appended to: of a pair the newest holds. No run ever writes here.';
COMMENT ON COLUMN conflict_decisions.decision_id IS 'Order of the decisions';

CREATE VIEW holding_decisions AS
SELECT d.decision_id, d.pair_id, d.decision, d.reason, d.decided_by, d.decided_at, d.rule, d.overlap_minutes
FROM conflict_decisions AS d
WHERE d.decision <> 'cleared' AND NOT EXISTS (
    SELECT FROM conflict_decisions AS n WHERE n.pair_id = d.pair_id AND n.decision_id > d.decision_id
);
COMMENT ON VIEW holding_decisions IS 'The decision that holds about each pair; none for a pair whose newest is cleared.';

CREATE VIEW decision_log AS
SELECT
    d.decision_id, d.pair_id, d.visit_id, d.con_visit_id, d.decision, d.reason, d.decided_by, d.decided_at, d.origin,
    d.rule, d.overlap_minutes,
    EXISTS (SELECT FROM holding_decisions AS h WHERE h.decision_id = d.decision_id) AS holds
FROM conflict_decisions AS d;
COMMENT ON VIEW decision_log IS 'Every decision, those that hold and the earlier ones.';

-- What the runs judged by.
CREATE TABLE detection_policies (
    policy_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    policy jsonb NOT NULL UNIQUE,
    first_used_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE detection_policies IS 'Every policy that a run has judged by, each once. Written by runs only.';
COMMENT ON COLUMN detection_policies.policy_id IS 'The version of the policy';
COMMENT ON COLUMN detection_policies.policy IS 'Its choices, the speed bands among them';
COMMENT ON COLUMN detection_policies.first_used_at IS 'When a run first judged by it';

ALTER TABLE prefix_runs ADD COLUMN policy_id integer, ADD COLUMN settled_xid xid8;
COMMENT ON COLUMN prefix_runs.policy_id IS 'The policy that the run judged by; null for runs of earlier releases';
COMMENT ON COLUMN prefix_runs.settled_xid IS
    'Every transaction before this one had ended when the run compared its rows; null for runs of earlier releases';

-- What a verdict rested on.
ALTER TABLE conflict_history
    ADD COLUMN policy_id integer,
    ADD COLUMN visit_date date, ADD COLUMN con_visit_date date,
    ADD COLUMN is_actual boolean, ADD COLUMN con_is_actual boolean,
    ADD COLUMN starts_at timestamptz, ADD COLUMN con_starts_at timestamptz,
    ADD COLUMN ends_at timestamptz, ADD COLUMN con_ends_at timestamptz,
    ADD COLUMN latitude double precision, ADD COLUMN con_latitude double precision,
    ADD COLUMN longitude double precision, ADD COLUMN con_longitude double precision,
    ADD COLUMN distance_miles double precision, ADD COLUMN average_miles_per_hour double precision,
    ADD COLUMN eta_travel_minutes double precision, ADD COLUMN minutes_between double precision,
    ADD COLUMN rate_per_minute double precision, ADD COLUMN con_rate_per_minute double precision,
    ADD COLUMN shift_amount double precision, ADD COLUMN con_shift_amount double precision,
    ADD COLUMN overlap_amount double precision, ADD COLUMN con_overlap_amount double precision,
    ADD COLUMN provider_id text, ADD COLUMN con_provider_id text,
    ADD COLUMN zip_code text, ADD COLUMN con_zip_code text,
    ADD COLUMN visit_type text, ADD COLUMN con_visit_type text;
COMMENT ON TABLE conflict_history IS
    'What happened to conflicts, and what was known of both visits then: only ever appended to. Facts and policy are null for events of earlier releases.';
COMMENT ON COLUMN conflict_history.policy_id IS 'The policy of the run; of a decision, of the latest run before it';
COMMENT ON COLUMN conflict_history.visit_date IS 'The day of the visit; all facts of a resolved conflict are those of the last run that found it';
COMMENT ON COLUMN conflict_history.con_visit_date IS 'The day of the other one';
COMMENT ON COLUMN conflict_history.is_actual IS 'Whether the visit was judged by its actual times, else by its schedule';
COMMENT ON COLUMN conflict_history.con_is_actual IS 'Whether the other one was';
COMMENT ON COLUMN conflict_history.starts_at IS 'Start of the visit, as it was judged';
COMMENT ON COLUMN conflict_history.con_starts_at IS 'Start of the other one';
COMMENT ON COLUMN conflict_history.ends_at IS 'End of the visit, as it was judged';
COMMENT ON COLUMN conflict_history.con_ends_at IS 'End of the other one';
COMMENT ON COLUMN conflict_history.latitude IS 'Latitude of the visit, degrees';
COMMENT ON COLUMN conflict_history.con_latitude IS 'Latitude of the other one, degrees';
COMMENT ON COLUMN conflict_history.longitude IS 'Longitude of the visit, degrees';
COMMENT ON COLUMN conflict_history.con_longitude IS 'Longitude of the other one, degrees';
COMMENT ON COLUMN conflict_history.distance_miles IS 'Road miles between the two visits';
COMMENT ON COLUMN conflict_history.average_miles_per_hour IS 'Speed of the distance''s band, miles an hour';
COMMENT ON COLUMN conflict_history.eta_travel_minutes IS 'Minutes that the trip needs';
COMMENT ON COLUMN conflict_history.minutes_between IS 'Gap between the visits, minutes; 0 unless rule 7';
COMMENT ON COLUMN conflict_history.rate_per_minute IS 'Dollars a minute of the visit';
COMMENT ON COLUMN conflict_history.con_rate_per_minute IS 'Dollars a minute of the other one';
COMMENT ON COLUMN conflict_history.shift_amount IS 'Dollars of the whole visit';
COMMENT ON COLUMN conflict_history.con_shift_amount IS 'Dollars of the whole other one';
COMMENT ON COLUMN conflict_history.overlap_amount IS 'Dollars of the overlap at the visit''s rate';
COMMENT ON COLUMN conflict_history.con_overlap_amount IS 'Dollars of the overlap at the other one''s rate';
COMMENT ON COLUMN conflict_history.provider_id IS 'The agency of the visit';
COMMENT ON COLUMN conflict_history.con_provider_id IS 'The agency of the other one';
COMMENT ON COLUMN conflict_history.zip_code IS 'ZIP code of the visit''s client';
COMMENT ON COLUMN conflict_history.con_zip_code IS 'ZIP code of the other one''s client';
COMMENT ON COLUMN conflict_history.visit_type IS 'billed, confirmed or scheduled';
COMMENT ON COLUMN conflict_history.con_visit_type IS 'billed, confirmed or scheduled: the other one';

CREATE VIEW judged_visits AS
SELECT
    s.ssn_prefix, s.ssn, s.visit_id, s.is_actual,
    CASE WHEN s.is_actual THEN s.visit_start_time ELSE s.sch_start_time END AS starts_at,
    CASE WHEN s.is_actual THEN s.visit_end_time ELSE s.sch_end_time END AS ends_at,
    s.latitude, s.longitude, s.p_zip_code AS zip_code
FROM (
    SELECT *, visit_start_time IS NOT NULL AND visit_end_time IS NOT NULL AS is_actual FROM conflict_visits
) AS s;
COMMENT ON VIEW judged_visits IS 'The basis and the interval of each stored visit. Full SSNs: not for readers.';

CREATE VIEW judged_facts AS
SELECT
    c.ssn_prefix, c.ssn, c.pair_id, c.visit_id, c.con_visit_id, c.rule, c.overlap_minutes, c.resolved_at,
    c.visit_date, c.con_visit_date,
    v.is_actual, w.is_actual AS con_is_actual, v.starts_at, w.starts_at AS con_starts_at,
    v.ends_at, w.ends_at AS con_ends_at, v.latitude, w.latitude AS con_latitude, v.longitude,
    w.longitude AS con_longitude, c.distance_miles, c.average_miles_per_hour, c.eta_travel_minutes, c.minutes_between,
    c.rate_per_minute, o.rate_per_minute AS con_rate_per_minute, c.shift_amount, o.shift_amount AS con_shift_amount,
    c.overlap_amount, o.overlap_amount AS con_overlap_amount, c.provider_id, c.con_provider_id,
    v.zip_code, w.zip_code AS con_zip_code, c.visit_type, o.visit_type AS con_visit_type
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

CREATE VIEW conflict_events AS
SELECT
    h.event_id, h.pair_id, '***-**-' || right(h.ssn, 4) AS ssn, h.event, h.reason, h.happened_at, h.run_id, h.rule,
    h.overlap_minutes, h.visit_id, h.provider_id, h.visit_date,
    CASE WHEN h.is_actual THEN 'actual' WHEN NOT h.is_actual THEN 'scheduled' END AS basis, h.starts_at, h.ends_at,
    h.latitude, h.longitude, h.zip_code, h.visit_type, h.rate_per_minute, h.shift_amount, h.overlap_amount,
    h.con_visit_id, h.con_provider_id, h.con_visit_date,
    CASE WHEN h.con_is_actual THEN 'actual' WHEN NOT h.con_is_actual THEN 'scheduled' END AS con_basis,
    h.con_starts_at, h.con_ends_at, h.con_latitude, h.con_longitude, h.con_zip_code, h.con_visit_type,
    h.con_rate_per_minute, h.con_shift_amount, h.con_overlap_amount, h.distance_miles, h.average_miles_per_hour,
    h.eta_travel_minutes, h.minutes_between, h.policy_id, p.policy
FROM conflict_history AS h
LEFT JOIN detection_policies AS p ON p.policy_id = h.policy_id;
COMMENT ON VIEW conflict_events IS
    'What happened to conflicts, and what each verdict rested on: both visits as they were judged, and the policy. SSNs masked.';
