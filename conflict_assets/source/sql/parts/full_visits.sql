-- Visits of `taken` in full: the contested ones, or all if the statement says so. First with what their devices say of
-- where they were; a lone comma is a point that says nothing.
located AS (
    SELECT
        t.*,
        NULLIF(TRIM(t."Application Visit Id"), '') AS app_visit_id,
        CONVERT_TIMEZONE('UTC', t."Call In Time")::TIMESTAMP_NTZ AS evv_start_time,
        CONVERT_TIMEZONE('UTC', t."Call Out Time")::TIMESTAMP_NTZ AS evv_end_time,
        NULLIF(TRIM(t."Application Provider Id"), '') AS app_provider_id,
        NULLIF(TRIM(t."Office Id"), '') AS office_id,
        TRIM(t."Application Caregiver Id"::VARCHAR) AS app_caregiver_id,
        NULLIF(TRIM(t."Patient Id"), '') AS patient_id,
        NULLIF(TRIM(t."Provider Patient Id"), '') AS provider_patient_id,
        NULLIF(TRIM(t."Payer Id"), '') AS payer_id,
        NULLIF(TRIM(t."Contract Id"), '') AS contract_id,
        NULLIF(TRIM(t."Application Contract Id"), '') AS app_contract_id,
        NULLIF(TRIM(t."Service Code Id"), '') AS service_code_id,
        NULLIF(TRIM(t."Bill Type"), '') AS rate_type,
        COALESCE(LOWER(TRIM(t."Billed")) = 'yes', FALSE) AS is_billed,
        CONVERT_TIMEZONE(:source_zone, t."Invoice Date")::DATE AS billed_date,
        CONVERT_TIMEZONE('UTC', t."Visit Updated Timestamp")::TIMESTAMP_NTZ AS last_updated_date,
        NULLIF(TRIM(t."Visit Updated User Id"), '') AS updated_user_id,
        NULLIF(TRIM(REPLACE(t."Call In GPS Coordinates", '"', '')), '') AS in_text,
        NULLIF(TRIM(REPLACE(t."Call Out GPS Coordinates", '"', '')), '') AS out_text,
        TRY_TO_DOUBLE(REGEXP_SUBSTR(TRIM(SPLIT_PART(in_text, ',', 1)), :number_text)) AS in_latitude,
        TRY_TO_DOUBLE(REGEXP_SUBSTR(TRIM(SPLIT_PART(in_text, ',', 2)), :number_text)) AS in_longitude,
        TRY_TO_DOUBLE(REGEXP_SUBSTR(TRIM(SPLIT_PART(out_text, ',', 1)), :number_text)) AS out_latitude,
        TRY_TO_DOUBLE(REGEXP_SUBSTR(TRIM(SPLIT_PART(out_text, ',', 2)), :number_text)) AS out_longitude,
        COALESCE(
            ABS(in_latitude) <= 90 AND ABS(in_longitude) <= 180 AND (in_latitude <> 0 OR in_longitude <> 0),
            FALSE
        ) AS is_good_in,
        COALESCE(
            ABS(out_latitude) <= 90 AND ABS(out_longitude) <= 180 AND (out_latitude <> 0 OR out_longitude <> 0),
            FALSE
        ) AS is_good_out
    FROM taken AS t
    WHERE :every_outcome OR t.outcome = 'contested'
),

full_visit AS (
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
        NULLIF(TRIM(v."Call Out Device Type"), '') AS evv_type,
        v.is_missed,
        NULLIF(TRIM(v."Missed Visit Reason"), '') AS missed_visit_reason,
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
        {% include "parts/patient_columns.sql" %},
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
            WHEN v."Application Payer Id" = 0 AND v.app_contract_id <> '0' THEN 'Internal'
            WHEN v."Application Payer Id" <> 0 AND v.app_contract_id <> '0' THEN 'UPR'
            WHEN v."Application Payer Id" <> 0 AND v.app_contract_id = '0' THEN 'Payer'
        END AS contract_type,
        v.service_code_id,
        service.service_code,
        v.rate_type,
        v.is_billed AS billed,
        v.billed_date,
        v."Billed Hours"::DOUBLE AS billed_hours,
        v."Billed Rate"::DOUBLE AS billed_rate,
        v."Bill Rate Non-Billed"::DOUBLE AS bill_rate_non_billed,
        IFF(v.is_billed, v."Billed Rate", v."Bill Rate Non-Billed")::DOUBLE AS rate,
        v."Total Billed Amount"::DOUBLE AS total_billed_amount,
        DATE_PART(EPOCH_MICROSECOND, v.last_updated_date) AS last_updated_date,
        person.user_fullname AS last_updated_by,
        (v.in_text IS NOT NULL AND NOT v.is_good_in)
            OR (v.out_text IS NOT NULL AND NOT v.is_good_out)
            OR COALESCE(address.is_bad_home, FALSE) AS bad_coordinates,
        :has_status AND v.visit_status IS NULL AS missing_status,
        CASE
            WHEN v.end_time > DATEADD(HOUR, 24, v.start_time) THEN TRUE
            -- No zone's midnight is so far from that of UTC that these need a closer look.
            WHEN v.start_time >= DATEADD(HOUR, -12, v.visit_date::TIMESTAMP_NTZ)
                AND v.start_time < DATEADD(HOUR, 34, v.visit_date::TIMESTAMP_NTZ) THEN FALSE
            ELSE v.start_time < DATEADD(
                    HOUR, -24, CONVERT_TIMEZONE(:source_zone, 'UTC', v.visit_date::TIMESTAMP_NTZ)
                )
                OR v.start_time >= DATEADD(
                    HOUR, 48, CONVERT_TIMEZONE(:source_zone, 'UTC', v.visit_date::TIMESTAMP_NTZ)
                )
        END AS odd_times,
        (v.sch_start_time IS NULL AND v."Scheduled Start Time" IS NOT NULL)
            OR (v.sch_end_time IS NULL AND v."Scheduled End Time" IS NOT NULL)
            OR (v.visit_start_time IS NULL AND v."Visit Start Time" IS NOT NULL)
            OR (v.visit_end_time IS NULL AND v."Visit End Time" IS NOT NULL)
            OR (v.evv_start_time IS NULL AND v."Call In Time" IS NOT NULL)
            OR (v.evv_end_time IS NULL AND v."Call Out Time" IS NOT NULL)
            OR (v.billed_date IS NULL AND v."Invoice Date" IS NOT NULL)
            OR (v.last_updated_date IS NULL AND v."Visit Updated Timestamp" IS NOT NULL)
            OR COALESCE(address.has_odd_date, FALSE) AS odd_dates,
        (v.visit_start_time IS NULL) <> (v.visit_end_time IS NULL) AS one_actual_time,
        -- What a later night goes by: where the visit is counted, whether the row is the same, and which dimension rows it
        -- shows.
        v.cell,
        MOD(
            MOD(
                HASH(
                    v.visit_hash,
                    office.office,
                    {% include "parts/patient_columns.sql" %},
                    address.home_latitude,
                    address.home_longitude,
                    address.has_odd_date,
                    payer.payer_name,
                    payer.payer_state,
                    contract.contract_name,
                    service.service_code,
                    person.user_fullname
                ),
                :modulus
            ) + :modulus,
            :modulus
        )::BIGINT AS row_hash,
        IFF(v.is_repeated, HASH(v.visit_id)::VARCHAR, NULL) AS id_hash,
        BITAND(HASH(v.office_id), :key_mask)::INTEGER AS office_key,
        BITAND(HASH(v.provider_patient_id), :key_mask)::INTEGER AS patient_key,
        BITAND(HASH(v.payer_id), :key_mask)::INTEGER AS payer_key,
        BITAND(HASH(v.contract_id), :key_mask)::INTEGER AS contract_key,
        BITAND(HASH(v.service_code_id), :key_mask)::INTEGER AS service_key,
        BITAND(HASH(v.updated_user_id), :key_mask)::INTEGER AS person_key
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
)
