CREATE TABLE conflict_visits (
    ssn_prefix text NOT NULL,
    visit_id text NOT NULL,
    app_visit_id text,
    ssn text NOT NULL,
    visit_date date NOT NULL,
    visit_status text,
    sch_start_time timestamptz,
    sch_end_time timestamptz,
    visit_start_time timestamptz,
    visit_end_time timestamptz,
    evv_start_time timestamptz,
    evv_end_time timestamptz,
    evv_type text,
    is_missed boolean,
    missed_visit_reason text,
    provider_id text NOT NULL,
    app_provider_id text,
    provider_name text,
    agency_phone text,
    federal_tax_number text,
    provider_state text,
    office_id text,
    office text,
    caregiver_id text,
    app_caregiver_id text,
    aide_code text,
    aide_name text,
    aide_first_name text,
    aide_last_name text,
    aide_status text,
    patient_id text,
    p_admission_id text,
    p_first_name text,
    p_last_name text,
    p_medicaid_number text,
    p_status text,
    p_address_line_1 text,
    p_city text,
    p_state text,
    p_zip_code text,
    p_county text,
    latitude double precision,
    longitude double precision,
    payer_id text,
    contract text,
    payer_state text,
    contract_type text,
    service_code_id text,
    service_code text,
    rate_type text,
    billed boolean,
    billed_date date,
    billed_hours double precision,
    billed_rate double precision,
    bill_rate_non_billed double precision,
    rate double precision,
    total_billed_amount double precision,
    last_updated_date timestamptz,
    last_updated_by text,
    PRIMARY KEY (ssn_prefix, ssn, visit_id),
    CHECK (left(ssn, length(ssn_prefix)) = ssn_prefix)
) PARTITION BY LIST (ssn_prefix);
COMMENT ON TABLE conflict_visits IS 'The visits that are in a stored conflict, each once. Written by runs only.';
COMMENT ON COLUMN conflict_visits.ssn_prefix IS 'First digits of the SSN; the partition';
COMMENT ON COLUMN conflict_visits.visit_id IS 'The visit, as its source names it';
COMMENT ON COLUMN conflict_visits.app_visit_id IS 'The visit in the agency''s application';
COMMENT ON COLUMN conflict_visits.ssn IS 'Social Security number, nine digits';
COMMENT ON COLUMN conflict_visits.visit_date IS 'The day of the visit in the agencies'' time zone';
COMMENT ON COLUMN conflict_visits.visit_status IS 'Status as the source gives it';
COMMENT ON COLUMN conflict_visits.sch_start_time IS 'Scheduled start';
COMMENT ON COLUMN conflict_visits.sch_end_time IS 'Scheduled end';
COMMENT ON COLUMN conflict_visits.visit_start_time IS 'Actual start';
COMMENT ON COLUMN conflict_visits.visit_end_time IS 'Actual end';
COMMENT ON COLUMN conflict_visits.evv_start_time IS 'Call in';
COMMENT ON COLUMN conflict_visits.evv_end_time IS 'Call out';
COMMENT ON COLUMN conflict_visits.evv_type IS 'Device of the call out';
COMMENT ON COLUMN conflict_visits.is_missed IS 'Whether the visit was missed';
COMMENT ON COLUMN conflict_visits.missed_visit_reason IS 'Why it was missed';
COMMENT ON COLUMN conflict_visits.provider_id IS 'The agency that reports the visit';
COMMENT ON COLUMN conflict_visits.app_provider_id IS 'The agency in its application';
COMMENT ON COLUMN conflict_visits.provider_name IS 'Name of the agency';
COMMENT ON COLUMN conflict_visits.agency_phone IS 'Phone number of the agency';
COMMENT ON COLUMN conflict_visits.federal_tax_number IS 'Federal tax number of the agency';
COMMENT ON COLUMN conflict_visits.provider_state IS 'State of the agency';
COMMENT ON COLUMN conflict_visits.office_id IS 'Office of the agency';
COMMENT ON COLUMN conflict_visits.office IS 'Name of the office';
COMMENT ON COLUMN conflict_visits.caregiver_id IS 'The caregiver at this agency';
COMMENT ON COLUMN conflict_visits.app_caregiver_id IS 'The caregiver in the agency''s application';
COMMENT ON COLUMN conflict_visits.aide_code IS 'Code of the caregiver';
COMMENT ON COLUMN conflict_visits.aide_name IS 'Full name of the caregiver';
COMMENT ON COLUMN conflict_visits.aide_first_name IS 'First name of the caregiver';
COMMENT ON COLUMN conflict_visits.aide_last_name IS 'Last name of the caregiver';
COMMENT ON COLUMN conflict_visits.aide_status IS 'Status of the caregiver';
COMMENT ON COLUMN conflict_visits.patient_id IS 'The client';
COMMENT ON COLUMN conflict_visits.p_admission_id IS 'Admission of the client';
COMMENT ON COLUMN conflict_visits.p_first_name IS 'First name of the client';
COMMENT ON COLUMN conflict_visits.p_last_name IS 'Last name of the client';
COMMENT ON COLUMN conflict_visits.p_medicaid_number IS 'Medicaid number of the client';
COMMENT ON COLUMN conflict_visits.p_status IS 'Status of the client';
COMMENT ON COLUMN conflict_visits.p_address_line_1 IS 'Address of the client';
COMMENT ON COLUMN conflict_visits.p_city IS 'City of the client';
COMMENT ON COLUMN conflict_visits.p_state IS 'State of the client';
COMMENT ON COLUMN conflict_visits.p_zip_code IS 'ZIP code of the client, five digits';
COMMENT ON COLUMN conflict_visits.p_county IS 'County of the client';
COMMENT ON COLUMN conflict_visits.latitude IS 'Latitude of the visit, degrees';
COMMENT ON COLUMN conflict_visits.longitude IS 'Longitude of the visit, degrees';
COMMENT ON COLUMN conflict_visits.payer_id IS 'Who pays';
COMMENT ON COLUMN conflict_visits.contract IS 'Name of the payer, else of the contract';
COMMENT ON COLUMN conflict_visits.payer_state IS 'State of the payer';
COMMENT ON COLUMN conflict_visits.contract_type IS 'Internal, UPR or Payer';
COMMENT ON COLUMN conflict_visits.service_code_id IS 'The service';
COMMENT ON COLUMN conflict_visits.service_code IS 'Code of the service';
COMMENT ON COLUMN conflict_visits.rate_type IS 'Hourly, Daily or Visit';
COMMENT ON COLUMN conflict_visits.billed IS 'Whether the visit is billed';
COMMENT ON COLUMN conflict_visits.billed_date IS 'Day of the invoice';
COMMENT ON COLUMN conflict_visits.billed_hours IS 'Hours billed';
COMMENT ON COLUMN conflict_visits.billed_rate IS 'Rate billed, dollars';
COMMENT ON COLUMN conflict_visits.bill_rate_non_billed IS 'The contract''s bill rate, dollars';
COMMENT ON COLUMN conflict_visits.rate IS 'The rate that counts: billed, else the contract''s; dollars';
COMMENT ON COLUMN conflict_visits.total_billed_amount IS 'Amount billed, dollars';
COMMENT ON COLUMN conflict_visits.last_updated_date IS 'When the visit was last changed at its source';
COMMENT ON COLUMN conflict_visits.last_updated_by IS 'Who changed it';

CREATE TABLE visit_conflicts (
    ssn_prefix text NOT NULL,
    ssn text NOT NULL,
    visit_id text NOT NULL,
    con_visit_id text NOT NULL,
    provider_id text NOT NULL,
    con_provider_id text NOT NULL,
    visit_date date NOT NULL,
    con_visit_date date NOT NULL,
    same_sch_time boolean NOT NULL,
    same_visit_time boolean NOT NULL,
    sch_and_visit_time_same boolean NOT NULL,
    sch_over_another_sch_time boolean NOT NULL,
    visit_time_over_another_visit_time boolean NOT NULL,
    sch_time_over_visit_time boolean NOT NULL,
    distance boolean NOT NULL,
    distance_miles double precision,
    average_miles_per_hour double precision,
    eta_travel_minutes double precision,
    conflict_type text NOT NULL,
    overlap_minutes double precision,
    minutes_between double precision,
    crosses_midnight boolean NOT NULL,
    pair_id text NOT NULL,
    group_id text NOT NULL,
    visit_type text,
    cost_type text,
    rate_per_minute double precision,
    shift_amount double precision,
    overlap_amount double precision,
    first_detected_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_reason text,
    rule smallint GENERATED ALWAYS AS (CASE WHEN same_sch_time THEN 1 WHEN same_visit_time THEN 2 WHEN sch_and_visit_time_same THEN 3 WHEN sch_over_another_sch_time THEN 4 WHEN visit_time_over_another_visit_time THEN 5 WHEN sch_time_over_visit_time THEN 6 WHEN distance THEN 7 END) STORED,
    PRIMARY KEY (ssn_prefix, ssn, visit_id, con_visit_id),
    CHECK (left(ssn, length(ssn_prefix)) = ssn_prefix),
    CHECK (visit_id <> con_visit_id),
    CHECK (same_sch_time::int + same_visit_time::int + sch_and_visit_time_same::int + sch_over_another_sch_time::int + visit_time_over_another_visit_time::int + sch_time_over_visit_time::int + distance::int = 1),
    CHECK ((resolved_at IS NULL) = (resolved_reason IS NULL))
) PARTITION BY LIST (ssn_prefix);
COMMENT ON TABLE visit_conflicts IS 'Conflicts of visits, a row for each side of a conflict. Written by runs only.';
COMMENT ON COLUMN visit_conflicts.ssn_prefix IS 'First digits of the SSN; the partition';
COMMENT ON COLUMN visit_conflicts.ssn IS 'Social Security number, nine digits';
COMMENT ON COLUMN visit_conflicts.visit_id IS 'The visit whose side this row is';
COMMENT ON COLUMN visit_conflicts.con_visit_id IS 'The visit on the other side';
COMMENT ON COLUMN visit_conflicts.provider_id IS 'The agency of this side';
COMMENT ON COLUMN visit_conflicts.con_provider_id IS 'The agency of the other side';
COMMENT ON COLUMN visit_conflicts.visit_date IS 'The day of this side''s visit';
COMMENT ON COLUMN visit_conflicts.con_visit_date IS 'The day of the other side''s visit';
COMMENT ON COLUMN visit_conflicts.same_sch_time IS 'Rule 1: scheduled, scheduled, same';
COMMENT ON COLUMN visit_conflicts.same_visit_time IS 'Rule 2: actual, actual, same';
COMMENT ON COLUMN visit_conflicts.sch_and_visit_time_same IS 'Rule 3: one of each, same';
COMMENT ON COLUMN visit_conflicts.sch_over_another_sch_time IS 'Rule 4: scheduled, scheduled, overlap';
COMMENT ON COLUMN visit_conflicts.visit_time_over_another_visit_time IS 'Rule 5: actual, actual, overlap';
COMMENT ON COLUMN visit_conflicts.sch_time_over_visit_time IS 'Rule 6: one of each, overlap';
COMMENT ON COLUMN visit_conflicts.distance IS 'Rule 7: actual, actual, no time for the trip';
COMMENT ON COLUMN visit_conflicts.distance_miles IS 'Road miles between the two visits';
COMMENT ON COLUMN visit_conflicts.average_miles_per_hour IS 'Speed of the distance''s band, miles an hour';
COMMENT ON COLUMN visit_conflicts.eta_travel_minutes IS 'Minutes that the trip needs';
COMMENT ON COLUMN visit_conflicts.conflict_type IS 'exact (rules 1-3), overlap (4-6) or travel (7)';
COMMENT ON COLUMN visit_conflicts.overlap_minutes IS 'Length of the intersection, minutes';
COMMENT ON COLUMN visit_conflicts.minutes_between IS 'Gap between the visits, minutes; 0 unless travel';
COMMENT ON COLUMN visit_conflicts.crosses_midnight IS 'Whether the visits have different dates';
COMMENT ON COLUMN visit_conflicts.pair_id IS 'The conflict: the same for both of its rows';
COMMENT ON COLUMN visit_conflicts.group_id IS 'The same for all conflicts that hang together';
COMMENT ON COLUMN visit_conflicts.visit_type IS 'billed, confirmed or scheduled';
COMMENT ON COLUMN visit_conflicts.cost_type IS 'recovery when billed, else avoidance';
COMMENT ON COLUMN visit_conflicts.rate_per_minute IS 'Dollars a minute of this side''s visit';
COMMENT ON COLUMN visit_conflicts.shift_amount IS 'Dollars of the whole visit';
COMMENT ON COLUMN visit_conflicts.overlap_amount IS 'Dollars of the overlap';
COMMENT ON COLUMN visit_conflicts.first_detected_at IS 'Snapshot time of the run that first detected the conflict';
COMMENT ON COLUMN visit_conflicts.resolved_at IS 'Snapshot time of the run that no longer found it; null while it holds';
COMMENT ON COLUMN visit_conflicts.resolved_reason IS 'gone, inactive or excluded; null while it holds';
COMMENT ON COLUMN visit_conflicts.rule IS 'Which of the seven rules holds';

-- What is open, by day: the comparison of a run with what is stored, and the view of open conflicts.
CREATE INDEX visit_conflicts_holding ON visit_conflicts (visit_date) WHERE resolved_at IS NULL;
-- A conflict by its name: decisions, and one conflict in the views.
CREATE INDEX visit_conflicts_pair ON visit_conflicts (pair_id);
-- An agency looks at its own side.
CREATE INDEX visit_conflicts_agency ON visit_conflicts (provider_id, visit_date);

CREATE TABLE conflict_decisions (
    pair_id text PRIMARY KEY,
    visit_id text NOT NULL,
    con_visit_id text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('whitelisted', 'ignored', 'cleared')),
    reason text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL,
    origin text NOT NULL CHECK (origin IN ('person', 'import')),
    rule smallint,
    overlap_minutes double precision
);
COMMENT ON TABLE conflict_decisions IS 'What people decided about conflicts. No run ever writes here.';
COMMENT ON COLUMN conflict_decisions.pair_id IS 'The conflict';
COMMENT ON COLUMN conflict_decisions.visit_id IS 'One visit of the pair';
COMMENT ON COLUMN conflict_decisions.con_visit_id IS 'The other one';
COMMENT ON COLUMN conflict_decisions.decision IS 'whitelisted, ignored, or cleared: a decision taken back';
COMMENT ON COLUMN conflict_decisions.reason IS 'Why';
COMMENT ON COLUMN conflict_decisions.decided_by IS 'Who';
COMMENT ON COLUMN conflict_decisions.decided_at IS 'When';
COMMENT ON COLUMN conflict_decisions.origin IS 'person, or import: taken over from the replaced system';
COMMENT ON COLUMN conflict_decisions.rule IS 'The rule that held when it was decided; null when the conflict was not stored yet';
COMMENT ON COLUMN conflict_decisions.overlap_minutes IS 'The overlap when it was decided, minutes';

CREATE TABLE conflict_history (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ssn_prefix text,
    ssn text,
    pair_id text NOT NULL,
    visit_id text NOT NULL,
    con_visit_id text NOT NULL,
    event text NOT NULL CHECK (event IN ('detected', 'changed', 'resolved', 'reopened', 'decided')),
    reason text,
    rule smallint,
    overlap_minutes double precision,
    happened_at timestamptz NOT NULL,
    run_id text,
    root_run_id text
);
COMMENT ON TABLE conflict_history IS 'What happened to conflicts: only ever appended to.';
COMMENT ON COLUMN conflict_history.event_id IS 'Order of the events';
COMMENT ON COLUMN conflict_history.ssn_prefix IS 'First digits of the SSN; null when a decision was taken on a conflict that is not stored';
COMMENT ON COLUMN conflict_history.ssn IS 'Social Security number; null likewise';
COMMENT ON COLUMN conflict_history.pair_id IS 'The conflict';
COMMENT ON COLUMN conflict_history.visit_id IS 'One visit of the pair';
COMMENT ON COLUMN conflict_history.con_visit_id IS 'The other one';
COMMENT ON COLUMN conflict_history.event IS 'detected, changed, resolved, reopened or decided';
COMMENT ON COLUMN conflict_history.reason IS 'Of a resolved conflict: gone, inactive or excluded. Of a decided one: the decision';
COMMENT ON COLUMN conflict_history.rule IS 'The rule after the event';
COMMENT ON COLUMN conflict_history.overlap_minutes IS 'The overlap after the event, minutes';
COMMENT ON COLUMN conflict_history.happened_at IS 'Snapshot time of the run, or the moment of the decision';
COMMENT ON COLUMN conflict_history.run_id IS 'The run; null for a decision';
COMMENT ON COLUMN conflict_history.root_run_id IS 'The first run of its chain of re-executions; null for a decision';

CREATE INDEX conflict_history_pair ON conflict_history (pair_id);

CREATE TABLE prefix_runs (
    root_run_id text NOT NULL,
    ssn_prefix text NOT NULL,
    as_of timestamptz NOT NULL,
    run_id text NOT NULL,
    first_date date NOT NULL,
    last_date date NOT NULL,
    latest boolean NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    position integer NOT NULL,
    batches_total integer NOT NULL,
    conflicts integer NOT NULL,
    conflict_rows integer NOT NULL,
    new_conflicts integer NOT NULL,
    changed integer NOT NULL,
    resolved integer NOT NULL,
    reopened integer NOT NULL,
    unchanged integer NOT NULL,
    detect_seconds double precision NOT NULL,
    write_seconds double precision NOT NULL,
    counts jsonb NOT NULL,
    PRIMARY KEY (root_run_id, as_of, ssn_prefix)
);
COMMENT ON TABLE prefix_runs IS 'Each prefix of each run: counts of conflicts (pairs) and durations. Written in the commit of the prefix.';
COMMENT ON COLUMN prefix_runs.root_run_id IS 'The first run of a chain of re-executions';
COMMENT ON COLUMN prefix_runs.ssn_prefix IS 'The prefix';
COMMENT ON COLUMN prefix_runs.as_of IS 'When the snapshot was taken';
COMMENT ON COLUMN prefix_runs.run_id IS 'The run that committed';
COMMENT ON COLUMN prefix_runs.first_date IS 'First day of the window';
COMMENT ON COLUMN prefix_runs.last_date IS 'Last day of the window';
COMMENT ON COLUMN prefix_runs.latest IS 'Whether no later run has committed this prefix';
COMMENT ON COLUMN prefix_runs.committed_at IS 'When it was committed';
COMMENT ON COLUMN prefix_runs.position IS 'The k of [k/N]; 0 for a prefix without contested visits';
COMMENT ON COLUMN prefix_runs.batches_total IS 'The N of [k/N]';
COMMENT ON COLUMN prefix_runs.conflicts IS 'Conflicts that were detected';
COMMENT ON COLUMN prefix_runs.conflict_rows IS 'Their rows';
COMMENT ON COLUMN prefix_runs.new_conflicts IS 'Detected for the first time';
COMMENT ON COLUMN prefix_runs.changed IS 'Detected before, and different now';
COMMENT ON COLUMN prefix_runs.resolved IS 'No longer found';
COMMENT ON COLUMN prefix_runs.reopened IS 'Found again after they were resolved';
COMMENT ON COLUMN prefix_runs.unchanged IS 'Detected before, and the same now';
COMMENT ON COLUMN prefix_runs.detect_seconds IS 'Time to read and detect';
COMMENT ON COLUMN prefix_runs.write_seconds IS 'Time to compare and write';
COMMENT ON COLUMN prefix_runs.counts IS 'Visits of the source, by reason';

CREATE UNIQUE INDEX prefix_runs_latest ON prefix_runs (ssn_prefix) WHERE latest;
-- Earlier runs of a prefix: when a conflict was last detected.
CREATE INDEX prefix_runs_prefix ON prefix_runs (ssn_prefix, as_of);

CREATE TABLE rejected_visits (
    rejected_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ssn_prefix text,
    visit_id text,
    reason text NOT NULL,
    run_id text NOT NULL,
    as_of timestamptz NOT NULL
);
COMMENT ON TABLE rejected_visits IS 'Visits that could not be judged at the latest snapshot of their prefix.';
COMMENT ON COLUMN rejected_visits.rejected_id IS 'No meaning';
COMMENT ON COLUMN rejected_visits.ssn_prefix IS 'First digits of the SSN; null when there is no valid one';
COMMENT ON COLUMN rejected_visits.visit_id IS 'The visit; null when it has no id';
COMMENT ON COLUMN rejected_visits.reason IS 'Why it was rejected';
COMMENT ON COLUMN rejected_visits.run_id IS 'The run that saw it';
COMMENT ON COLUMN rejected_visits.as_of IS 'When the snapshot was taken';

CREATE INDEX rejected_visits_prefix ON rejected_visits (ssn_prefix);

CREATE TABLE excluded_agencies (
    provider_id text PRIMARY KEY,
    reason text,
    added_by text NOT NULL DEFAULT session_user,
    added_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE excluded_agencies IS 'Agencies whose visits do not count. Edited by users, read by each run.';
COMMENT ON COLUMN excluded_agencies.provider_id IS 'The agency';
COMMENT ON COLUMN excluded_agencies.reason IS 'Why';
COMMENT ON COLUMN excluded_agencies.added_by IS 'Who added it';
COMMENT ON COLUMN excluded_agencies.added_at IS 'When';

CREATE TABLE excluded_ssns (
    ssn text PRIMARY KEY,
    reason text,
    added_by text NOT NULL DEFAULT session_user,
    added_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE excluded_ssns IS 'Caregivers whose visits do not count. Edited by users, read by each run.';
COMMENT ON COLUMN excluded_ssns.ssn IS 'Social Security number, with or without dashes';
COMMENT ON COLUMN excluded_ssns.reason IS 'Why';
COMMENT ON COLUMN excluded_ssns.added_by IS 'Who added it';
COMMENT ON COLUMN excluded_ssns.added_at IS 'When';

CREATE TABLE speed_bands (
    from_miles double precision PRIMARY KEY,
    to_miles double precision,
    miles_per_hour double precision NOT NULL
);
COMMENT ON TABLE speed_bands IS 'How fast a caregiver travels, by distance: bands from 0 without gap, the last one without end. Edited by users, read by each run.';
COMMENT ON COLUMN speed_bands.from_miles IS 'Where the band starts, miles, inclusive';
COMMENT ON COLUMN speed_bands.to_miles IS 'Where it ends, miles, exclusive; null: no end';
COMMENT ON COLUMN speed_bands.miles_per_hour IS 'Speed, miles an hour';

INSERT INTO speed_bands VALUES (0, 5, 4), (5, 10, 10), (10, 20, 25), (20, NULL, 50);

CREATE TABLE conflict_store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    prefix_length smallint NOT NULL CHECK (prefix_length BETWEEN 1 AND 3),
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE conflict_store IS 'The store itself; one row.';
COMMENT ON COLUMN conflict_store.one IS 'Always true: there is one row';
COMMENT ON COLUMN conflict_store.prefix_length IS 'Digits of a prefix';
COMMENT ON COLUMN conflict_store.made_at IS 'When the store was made';
