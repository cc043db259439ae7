-- The life of a conflict is derived here and stored nowhere. For the platform itself: full SSNs, the prefix.
CREATE VIEW conflict_states AS
SELECT
    c.*,
    CASE
        WHEN d.decision <> 'cleared' THEN d.decision
        WHEN c.resolved_at IS NOT NULL THEN 'resolved'
        WHEN least(c.visit_date, c.con_visit_date) < r.first_date
            OR greatest(c.visit_date, c.con_visit_date) > r.last_date THEN 'expired'
        WHEN c.first_detected_at = r.as_of THEN 'new'
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
    nullif(d.decision, 'cleared') AS decision,
    CASE WHEN d.decision <> 'cleared' THEN d.reason END AS decision_reason,
    CASE WHEN d.decision <> 'cleared' THEN d.decided_by END AS decided_by,
    CASE WHEN d.decision <> 'cleared' THEN d.decided_at END AS decided_at,
    coalesce(
        d.decision <> 'cleared' AND d.rule IS NOT NULL
        AND (d.rule <> c.rule OR d.overlap_minutes IS DISTINCT FROM c.overlap_minutes), false
    ) AS decision_outdated
FROM visit_conflicts AS c
JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
LEFT JOIN conflict_decisions AS d ON d.pair_id = c.pair_id;
COMMENT ON VIEW conflict_states IS
    'Conflict rows with their status: a decision, else resolved, expired, new or open. Full SSNs: not for readers.';

CREATE VIEW conflict_sides AS
SELECT
    c.pair_id, c.group_id, c.status, c.ssn_prefix, c.ssn, c.rule, c.conflict_type, c.same_sch_time,
    c.same_visit_time, c.sch_and_visit_time_same, c.sch_over_another_sch_time,
    c.visit_time_over_another_visit_time, c.sch_time_over_visit_time, c.distance, c.overlap_minutes,
    c.minutes_between, c.crosses_midnight, c.distance_miles, c.average_miles_per_hour, c.eta_travel_minutes,
    c.visit_type, c.cost_type, c.rate_per_minute, c.shift_amount, c.overlap_amount, c.first_detected_at,
    c.last_detected_at, c.resolved_at, c.resolved_reason, c.decision, c.decision_reason, c.decided_by,
    c.decided_at, c.decision_outdated, c.visit_id, c.visit_date, c.provider_id, v.app_visit_id,
    v.visit_status, v.sch_start_time, v.sch_end_time, v.visit_start_time, v.visit_end_time, v.evv_start_time,
    v.evv_end_time, v.evv_type, v.is_missed, v.missed_visit_reason, v.app_provider_id, v.provider_name,
    v.agency_phone, v.federal_tax_number, v.provider_state, v.office_id, v.office, v.caregiver_id,
    v.app_caregiver_id, v.aide_code, v.aide_name, v.aide_first_name, v.aide_last_name, v.aide_status,
    v.patient_id, v.p_admission_id, v.p_first_name, v.p_last_name, v.p_medicaid_number, v.p_status,
    v.p_address_line_1, v.p_city, v.p_state, v.p_zip_code, v.p_county, v.latitude, v.longitude, v.payer_id,
    v.contract, v.payer_state, v.contract_type, v.service_code_id, v.service_code, v.rate_type, v.billed,
    v.billed_date, v.billed_hours, v.billed_rate, v.bill_rate_non_billed, v.rate, v.total_billed_amount,
    v.last_updated_date, v.last_updated_by, c.con_visit_id, c.con_visit_date, c.con_provider_id,
    w.app_visit_id AS con_app_visit_id, w.visit_status AS con_visit_status,
    w.sch_start_time AS con_sch_start_time, w.sch_end_time AS con_sch_end_time,
    w.visit_start_time AS con_visit_start_time, w.visit_end_time AS con_visit_end_time,
    w.evv_start_time AS con_evv_start_time, w.evv_end_time AS con_evv_end_time, w.evv_type AS con_evv_type,
    w.is_missed AS con_is_missed, w.missed_visit_reason AS con_missed_visit_reason,
    w.app_provider_id AS con_app_provider_id, w.provider_name AS con_provider_name,
    w.agency_phone AS con_agency_phone, w.federal_tax_number AS con_federal_tax_number,
    w.provider_state AS con_provider_state, w.office_id AS con_office_id, w.office AS con_office,
    w.caregiver_id AS con_caregiver_id, w.app_caregiver_id AS con_app_caregiver_id,
    w.aide_code AS con_aide_code, w.aide_name AS con_aide_name, w.aide_first_name AS con_aide_first_name,
    w.aide_last_name AS con_aide_last_name, w.aide_status AS con_aide_status, w.patient_id AS con_patient_id,
    w.p_admission_id AS con_p_admission_id, w.p_first_name AS con_p_first_name,
    w.p_last_name AS con_p_last_name, w.p_medicaid_number AS con_p_medicaid_number,
    w.p_status AS con_p_status, w.p_address_line_1 AS con_p_address_line_1, w.p_city AS con_p_city,
    w.p_state AS con_p_state, w.p_zip_code AS con_p_zip_code, w.p_county AS con_p_county,
    w.latitude AS con_latitude, w.longitude AS con_longitude, w.payer_id AS con_payer_id,
    w.contract AS con_contract, w.payer_state AS con_payer_state, w.contract_type AS con_contract_type,
    w.service_code_id AS con_service_code_id, w.service_code AS con_service_code,
    w.rate_type AS con_rate_type, w.billed AS con_billed, w.billed_date AS con_billed_date,
    w.billed_hours AS con_billed_hours, w.billed_rate AS con_billed_rate,
    w.bill_rate_non_billed AS con_bill_rate_non_billed, w.rate AS con_rate,
    w.total_billed_amount AS con_total_billed_amount, w.last_updated_date AS con_last_updated_date,
    w.last_updated_by AS con_last_updated_by
FROM conflict_states AS c
LEFT JOIN conflict_visits AS v
    ON v.ssn_prefix = c.ssn_prefix AND v.ssn = c.ssn AND v.visit_id = c.visit_id
LEFT JOIN conflict_visits AS w
    ON w.ssn_prefix = c.ssn_prefix AND w.ssn = c.ssn AND w.visit_id = c.con_visit_id;
COMMENT ON VIEW conflict_sides IS
    'Every conflict from both of its sides with both visits, and with full SSNs: not for readers.';

CREATE VIEW conflict_visit_maps AS
SELECT
    pair_id, group_id, status, '***-**-' || right(ssn, 4) AS ssn, rule, conflict_type,
    CASE WHEN same_sch_time THEN 'Y' ELSE 'N' END AS same_sch_time,
    CASE WHEN same_visit_time THEN 'Y' ELSE 'N' END AS same_visit_time,
    CASE WHEN sch_and_visit_time_same THEN 'Y' ELSE 'N' END AS sch_and_visit_time_same,
    CASE WHEN sch_over_another_sch_time THEN 'Y' ELSE 'N' END AS sch_over_another_sch_time,
    CASE WHEN visit_time_over_another_visit_time THEN 'Y' ELSE 'N' END AS visit_time_over_another_visit_time,
    CASE WHEN sch_time_over_visit_time THEN 'Y' ELSE 'N' END AS sch_time_over_visit_time,
    CASE WHEN distance THEN 'Y' ELSE 'N' END AS distance, overlap_minutes, minutes_between, crosses_midnight,
    distance_miles, average_miles_per_hour, eta_travel_minutes, visit_type, cost_type, rate_per_minute,
    shift_amount, overlap_amount, first_detected_at, last_detected_at, resolved_at, resolved_reason, decision,
    decision_reason, decided_by, decided_at, decision_outdated, visit_id, visit_date, provider_id,
    app_visit_id, visit_status, sch_start_time, sch_end_time, visit_start_time, visit_end_time,
    evv_start_time, evv_end_time, evv_type, is_missed, missed_visit_reason, app_provider_id, provider_name,
    agency_phone, federal_tax_number, provider_state, office_id, office, caregiver_id, app_caregiver_id,
    aide_code, aide_name, aide_first_name, aide_last_name, aide_status, patient_id, p_admission_id,
    p_first_name, p_last_name, p_medicaid_number, p_status, p_address_line_1, p_city, p_state, p_zip_code,
    p_county, latitude, longitude, payer_id, contract, payer_state, contract_type, service_code_id,
    service_code, rate_type, billed, billed_date, billed_hours, billed_rate, bill_rate_non_billed, rate,
    total_billed_amount, last_updated_date, last_updated_by, con_visit_id, con_visit_date, con_provider_id,
    con_app_visit_id, con_visit_status, con_sch_start_time, con_sch_end_time, con_visit_start_time,
    con_visit_end_time, con_evv_start_time, con_evv_end_time, con_evv_type, con_is_missed,
    con_missed_visit_reason, con_app_provider_id, con_provider_name, con_agency_phone, con_federal_tax_number,
    con_provider_state, con_office_id, con_office, con_caregiver_id, con_app_caregiver_id, con_aide_code,
    con_aide_name, con_aide_first_name, con_aide_last_name, con_aide_status, con_patient_id,
    con_p_admission_id, con_p_first_name, con_p_last_name, con_p_medicaid_number, con_p_status,
    con_p_address_line_1, con_p_city, con_p_state, con_p_zip_code, con_p_county, con_latitude, con_longitude,
    con_payer_id, con_contract, con_payer_state, con_contract_type, con_service_code_id, con_service_code,
    con_rate_type, con_billed, con_billed_date, con_billed_hours, con_billed_rate, con_bill_rate_non_billed,
    con_rate, con_total_billed_amount, con_last_updated_date, con_last_updated_by
FROM conflict_sides;
COMMENT ON VIEW conflict_visit_maps IS
    'Every conflict from both of its sides, two rows each, with both visits; flags as Y or N, SSNs masked.';

CREATE VIEW open_conflicts AS
SELECT *
FROM conflict_visit_maps
WHERE resolved_at IS NULL AND status IN ('new', 'open') AND visit_id < con_visit_id COLLATE "C";
COMMENT ON VIEW open_conflicts IS
    'Conflicts that nobody has decided on and that hold: one row each, from the side of the smaller visit id.';

CREATE VIEW conflict_summary AS
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
