-- The rows that travel: contested visits in full; of rejected visits, and of inactive ones near days to be looked at, only
-- prefix, id, outcome, and what the survey has counted them as. Instants travel as microseconds since 1970: a driver that
-- makes nanoseconds of them has no room for the year 9999, which some systems write for "no end".
-- `:survey` is where the rows of the survey lie; `:followed` holds texts such as '041234567 3': an SSN, and the number of
-- a block of `:block_days` days that the survey does not name.
WITH pointed AS (
    SELECT kind, item, block
    FROM TABLE(RESULT_SCAN(:survey))
),

watched AS (
    SELECT ssn, ' ' || LISTAGG(block, ' ') || ' ' AS blocks
    FROM (
        SELECT item AS ssn, block::VARCHAR AS block
        FROM pointed
        WHERE kind = 'suspect'
        UNION ALL
        SELECT SUBSTR(item.VALUE::VARCHAR, 1, 9), SUBSTR(item.VALUE::VARCHAR, 11)
        FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:followed))) AS item
    ) AS named
    GROUP BY ssn
),

repeated AS (
    SELECT DISTINCT item::NUMBER(20, 0) AS visit_hash
    FROM pointed
    WHERE kind = 'repeated'
),

-- The only rows that are looked at in full: watched blocks, repeated visit ids, and what is bad by itself.
chosen AS (
    SELECT
        v.*,
        IFF(
            w.ssn IS NULL OR v.visit_date IS NULL,
            FALSE,
            CONTAINS(
                w.blocks,
                ' ' || FLOOR(DATEDIFF(DAY, :first_date::DATE, v.visit_date) / :block_days)::INTEGER::VARCHAR || ' '
            )
        ) AS is_watched,
        r.visit_hash IS NOT NULL AND v.ssn IS NOT NULL AS is_repeated
    FROM visit AS v
    LEFT JOIN watched AS w ON w.ssn = v.ssn
    LEFT JOIN repeated AS r ON r.visit_hash = HASH(v.visit_id)
    WHERE is_watched OR is_repeated
        OR v.own_outcome IN ('invalid_ssn', 'missing_key', 'no_times', 'empty_interval')
),

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
    WHERE s.first_outcome IS NOT NULL OR d.ssn IS NOT NULL
),

-- A warehouse has many more patients than a night needs.
needed_patient AS (
    SELECT DISTINCT TRIM("Provider Patient Id") AS patient_id
    FROM judged
    WHERE outcome = 'contested'
),

-- A patient's newest primary GPS address.
address AS (
    SELECT
        TRIM(a."Patient Id") AS patient_id,
        NULLIF(TRIM(a."Address Line 1"), '') AS p_address_line_1,
        NULLIF(TRIM(a."City"), '') AS p_city,
        NULLIF(TRIM(a."Address State"), '') AS p_state,
        -- The digits before the first dash, else the first five in a row; of five digits two may be lost zeros.
        a."Zip Code"::VARCHAR AS zip_text,
        COALESCE(
            NULLIF(REGEXP_REPLACE(IFF(CONTAINS(zip_text, '-'), SPLIT_PART(zip_text, '-', 1), ''), '[^0-9]', ''), ''),
            NULLIF(REGEXP_SUBSTR(zip_text, '[0-9]{5}'), ''),
            NULLIF(REGEXP_SUBSTR(zip_text, '[0-9]{3,4}'), '')
        ) AS zip_digits,
        IFF(REGEXP_LIKE(zip_digits, '[0-9]{3,}'), LPAD(SUBSTR(zip_digits, 1, 5), 5, '0'), NULL) AS p_zip_code,
        NULLIF(TRIM(a."County"), '') AS p_county,
        CONVERT_TIMEZONE('UTC', a."Application Created UTC Timestamp")::TIMESTAMP_NTZ IS NULL
            AND a."Application Created UTC Timestamp" IS NOT NULL AS has_odd_date,
        a."Latitude" AS home_latitude,
        a."Longitude" AS home_longitude,
        COALESCE(
            ABS(home_latitude) <= 90 AND ABS(home_longitude) <= 180 AND (home_latitude <> 0 OR home_longitude <> 0),
            FALSE
        ) AS is_good_home,
        NOT is_good_home AND (home_latitude IS NOT NULL OR home_longitude IS NOT NULL) AS is_bad_home
    FROM DIMPATIENTADDRESS AS a
    JOIN needed_patient AS n ON n.patient_id = TRIM(a."Patient Id")
    WHERE a."Primary Address" AND a."Address Type" ILIKE '%GPS%'
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY TRIM(a."Patient Id")
        ORDER BY
            CONVERT_TIMEZONE('UTC', a."Application Created UTC Timestamp")::TIMESTAMP_NTZ DESC NULLS LAST,
            a."Address Line 1" NULLS LAST,
            a."City" NULLS LAST,
            a."Address State" NULLS LAST,
            a."Zip Code" NULLS LAST,
            a."County" NULLS LAST,
            a."Latitude" NULLS LAST,
            a."Longitude" NULLS LAST
    ) = 1
),

office AS (
    SELECT TRIM("Office Id") AS office_id, NULLIF(TRIM("Office Name"), '') AS office
    FROM DIMOFFICE
    WHERE "Is Active"
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TRIM("Office Id") ORDER BY "Office Name" NULLS LAST) = 1
),

patient AS (
    SELECT
        TRIM("Patient Id") AS patient_id,
        NULLIF(TRIM("Admission Id"), '') AS p_admission_id,
        NULLIF(TRIM("Patient Firstname"), '') AS p_first_name,
        NULLIF(TRIM("Patient Lastname"), '') AS p_last_name,
        NULLIF(TRIM("Medicaid Number"), '') AS p_medicaid_number,
        NULLIF(TRIM("Status"), '') AS p_status
    FROM DIMPATIENT
    JOIN needed_patient AS n ON n.patient_id = TRIM("Patient Id")
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
    SELECT
        TRIM("Payer Id") AS payer_id,
        NULLIF(TRIM("Payer Name"), '') AS payer_name,
        NULLIF(TRIM("Payer State"), '') AS payer_state
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
    SELECT TRIM("Service Code Id") AS service_code_id, NULLIF(TRIM("Service Code"), '') AS service_code
    FROM DIMSERVICECODE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TRIM("Service Code Id") ORDER BY "Service Code" NULLS LAST) = 1
),

person AS (
    SELECT TRIM("User Id") AS user_id, NULLIF(TRIM("User Fullname"), '') AS user_fullname
    FROM DIMUSER
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TRIM("User Id") ORDER BY "User Fullname" NULLS LAST) = 1
),

-- Contested visits in full, with what their devices say of where they were; a lone comma is a point that says nothing.
located AS (
    SELECT
        j.*,
        NULLIF(TRIM(j."Application Visit Id"), '') AS app_visit_id,
        CONVERT_TIMEZONE('UTC', j."Call In Time")::TIMESTAMP_NTZ AS evv_start_time,
        CONVERT_TIMEZONE('UTC', j."Call Out Time")::TIMESTAMP_NTZ AS evv_end_time,
        NULLIF(TRIM(j."Application Provider Id"), '') AS app_provider_id,
        NULLIF(TRIM(j."Office Id"), '') AS office_id,
        TRIM(j."Application Caregiver Id"::VARCHAR) AS app_caregiver_id,
        NULLIF(TRIM(j."Patient Id"), '') AS patient_id,
        NULLIF(TRIM(j."Provider Patient Id"), '') AS provider_patient_id,
        NULLIF(TRIM(j."Payer Id"), '') AS payer_id,
        NULLIF(TRIM(j."Contract Id"), '') AS contract_id,
        NULLIF(TRIM(j."Application Contract Id"), '') AS app_contract_id,
        NULLIF(TRIM(j."Service Code Id"), '') AS service_code_id,
        NULLIF(TRIM(j."Bill Type"), '') AS rate_type,
        COALESCE(LOWER(TRIM(j."Billed")) = 'yes', FALSE) AS is_billed,
        CONVERT_TIMEZONE(:source_zone, j."Invoice Date")::DATE AS billed_date,
        CONVERT_TIMEZONE('UTC', j."Visit Updated Timestamp")::TIMESTAMP_NTZ AS last_updated_date,
        NULLIF(TRIM(j."Visit Updated User Id"), '') AS updated_user_id,
        NULLIF(TRIM(REPLACE(j."Call In GPS Coordinates", '"', '')), '') AS in_text,
        NULLIF(TRIM(REPLACE(j."Call Out GPS Coordinates", '"', '')), '') AS out_text,
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
    FROM judged AS j
    WHERE j.outcome = 'contested'
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
        (v.visit_start_time IS NULL) <> (v.visit_end_time IS NULL) AS one_actual_time
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
),

left_out AS (
    SELECT ssn_prefix, outcome, own_outcome AS surveyed_as, visit_id
    FROM judged
    WHERE outcome IN (
            'duplicate_visit_id', 'invalid_ssn', 'missing_key', 'no_times', 'empty_interval', 'implausible_density'
        )
        OR (is_watched AND outcome IN ('inactive_status', 'deleted', 'missed', 'unknown_agency', 'inactive_agency'))
)

SELECT * FROM contested
UNION ALL BY NAME
SELECT * FROM left_out
ORDER BY ssn_prefix NULLS FIRST, ssn NULLS LAST, visit_date NULLS LAST, visit_id NULLS LAST, outcome
