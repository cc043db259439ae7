-- The rows that travel: contested visits in full; of rejected visits, and of inactive ones on days that would be
-- contested with them, only prefix, id and outcome. Instants travel as microseconds since 1970: a driver that makes
-- nanoseconds of them has no room for the year 9999, which some systems write for "no end".
WITH office AS (
    SELECT TRIM("Office Id") AS office_id, "Office Name" AS office
    FROM DIMOFFICE
    WHERE "Is Active"
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TRIM("Office Id") ORDER BY "Office Name" NULLS LAST) = 1
),

patient AS (
    SELECT
        TRIM("Patient Id") AS patient_id,
        "Admission Id" AS p_admission_id,
        "Patient Firstname" AS p_first_name,
        "Patient Lastname" AS p_last_name,
        "Medicaid Number" AS p_medicaid_number,
        "Status" AS p_status
    FROM DIMPATIENT
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY TRIM("Patient Id")
        ORDER BY
            "Admission Id" NULLS LAST,
            "Medicaid Number" NULLS LAST,
            "Patient Lastname" NULLS LAST,
            "Patient Firstname" NULLS LAST,
            "Status" NULLS LAST
    ) = 1
),

payer AS (
    SELECT TRIM("Payer Id") AS payer_id, NULLIF(TRIM("Payer Name"), '') AS payer_name, "Payer State" AS payer_state
    FROM DIMPAYER
    WHERE "Is Active" AND NOT COALESCE("Is Demo", FALSE)
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY TRIM("Payer Id") ORDER BY "Payer Name" NULLS LAST, "Payer State" NULLS LAST
    ) = 1
),

contract AS (
    SELECT TRIM("Contract Id") AS contract_id, NULLIF(TRIM("Contract Name"), '') AS contract_name
    FROM DIMCONTRACT
    WHERE "Is Active"
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TRIM("Contract Id") ORDER BY "Contract Name" NULLS LAST) = 1
),

service AS (
    SELECT TRIM("Service Code Id") AS service_code_id, "Service Code" AS service_code
    FROM DIMSERVICECODE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TRIM("Service Code Id") ORDER BY "Service Code" NULLS LAST) = 1
),

person AS (
    SELECT TRIM("User Id") AS user_id, "User Fullname" AS user_fullname
    FROM DIMUSER
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TRIM("User Id") ORDER BY "User Fullname" NULLS LAST) = 1
),

contested AS (
    SELECT
        v.ssn_prefix,
        v.outcome,
        v.visit_id,
        v.app_visit_id,
        v.ssn,
        v.visit_date,
        v.visit_status,
        DATE_PART(EPOCH_MICROSECOND, v.sch_start_time) AS sch_start_time,
        DATE_PART(EPOCH_MICROSECOND, v.sch_end_time) AS sch_end_time,
        DATE_PART(EPOCH_MICROSECOND, v.visit_start_time) AS visit_start_time,
        DATE_PART(EPOCH_MICROSECOND, v.visit_end_time) AS visit_end_time,
        DATE_PART(EPOCH_MICROSECOND, v.evv_start_time) AS evv_start_time,
        DATE_PART(EPOCH_MICROSECOND, v.evv_end_time) AS evv_end_time,
        v.evv_type,
        v.is_missed,
        v.missed_visit_reason,
        v.provider_id,
        v.app_provider_id,
        agency.provider_name,
        agency.agency_phone,
        agency.federal_tax_number,
        agency.provider_state,
        v.office_id,
        office.office,
        v.caregiver_id,
        v.app_caregiver_id,
        caregiver.aide_code,
        caregiver.aide_name,
        caregiver.aide_first_name,
        caregiver.aide_last_name,
        caregiver.aide_status,
        v.patient_id,
        patient.p_admission_id,
        patient.p_first_name,
        patient.p_last_name,
        patient.p_medicaid_number,
        patient.p_status,
        address.p_address_line_1,
        address.p_city,
        address.p_state,
        address.p_zip_code,
        address.p_county,
        CASE
            WHEN v.is_good_in THEN v.in_latitude
            WHEN v.is_good_out THEN v.out_latitude
            WHEN address.is_good_home THEN address.home_latitude
        END AS latitude,
        CASE
            WHEN v.is_good_in THEN v.in_longitude
            WHEN v.is_good_out THEN v.out_longitude
            WHEN address.is_good_home THEN address.home_longitude
        END AS longitude,
        v.payer_id,
        COALESCE(payer.payer_name, contract.contract_name) AS contract,
        payer.payer_state,
        CASE
            WHEN v.app_payer_id = 0 AND v.app_contract_id <> '0' THEN 'Internal'
            WHEN v.app_payer_id <> 0 AND v.app_contract_id <> '0' THEN 'UPR'
            WHEN v.app_payer_id <> 0 AND v.app_contract_id = '0' THEN 'Payer'
        END AS contract_type,
        v.service_code_id,
        service.service_code,
        v.rate_type,
        v.billed,
        v.billed_date,
        v.billed_hours,
        v.billed_rate,
        v.bill_rate_non_billed,
        IFF(v.billed, v.billed_rate, v.bill_rate_non_billed) AS rate,
        v.total_billed_amount,
        DATE_PART(EPOCH_MICROSECOND, v.last_updated_date) AS last_updated_date,
        person.user_fullname AS last_updated_by
    FROM located AS v
    LEFT JOIN caregiver ON caregiver.caregiver_id = v.caregiver_id
    LEFT JOIN agency ON agency.provider_id = v.provider_id
    LEFT JOIN office ON office.office_id = v.office_id
    LEFT JOIN patient ON patient.patient_id = v.provider_patient_id
    LEFT JOIN address ON address.patient_id = v.provider_patient_id
    LEFT JOIN payer ON payer.payer_id = v.payer_id
    LEFT JOIN contract ON contract.contract_id = v.contract_id
    LEFT JOIN service ON service.service_code_id = v.service_code_id
    LEFT JOIN person ON person.user_id = v.updated_user_id
    WHERE v.outcome = 'contested'
),

sidelined AS (
    SELECT ssn_prefix, outcome, visit_id
    FROM judged
    WHERE was_contested AND outcome NOT IN ('contested', 'uncontested')
        OR outcome IN (
            'duplicate_visit_id', 'invalid_ssn', 'missing_key', 'no_times', 'empty_interval', 'implausible_density'
        )
)

SELECT * FROM contested
UNION ALL BY NAME
SELECT * FROM sidelined
ORDER BY ssn_prefix NULLS FIRST, ssn NULLS LAST, visit_date NULLS LAST, visit_id NULLS LAST, outcome
