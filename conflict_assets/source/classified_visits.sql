-- The visits of a run, each with the first reason why it is out, if any. Shared by both statements: their common
-- table expressions are put before the statement's own. The fact view is read here, once.
WITH excluded_agency AS (
    SELECT DISTINCT item.VALUE::VARCHAR AS provider_id
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:excluded_agencies))) AS item
),

excluded_ssn AS (
    SELECT DISTINCT item.VALUE::VARCHAR AS ssn
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:excluded_ssns))) AS item
),

wanted_prefix AS (
    SELECT DISTINCT item.VALUE::VARCHAR AS ssn_prefix
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:prefixes))) AS item
),

agency AS (
    SELECT
        TRIM(p."Provider Id") AS provider_id,
        p."Provider Name" AS provider_name,
        p."Phone Number 1" AS agency_phone,
        p."Federal Tax Number" AS federal_tax_number,
        p."Address State" AS provider_state,
        COALESCE(p."Is Active", FALSE) AND NOT COALESCE(p."Is Demo", FALSE) AS is_active,
        x.provider_id IS NOT NULL AS is_excluded
    FROM DIMPROVIDER AS p
    LEFT JOIN excluded_agency AS x ON x.provider_id = TRIM(p."Provider Id")
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY TRIM(p."Provider Id")
        ORDER BY
            p."Is Active" DESC NULLS LAST,
            p."Is Demo" NULLS LAST,
            p."Provider Name" NULLS LAST,
            p."Phone Number 1" NULLS LAST,
            p."Federal Tax Number" NULLS LAST,
            p."Address State" NULLS LAST
    ) = 1
),

normal_caregiver AS (
    SELECT
        TRIM(c."Caregiver Id") AS caregiver_id,
        NULLIF(REPLACE(REPLACE(c."SSN", '-', ''), ' ', ''), '') AS normal_ssn,
        c."Caregiver Code" AS aide_code,
        c."Caregiver Fullname" AS aide_name,
        c."Caregiver Firstname" AS aide_first_name,
        c."Caregiver Lastname" AS aide_last_name,
        c."Status" AS aide_status
    FROM DIMCAREGIVER AS c
),

one_caregiver AS (
    SELECT *, IFF(REGEXP_LIKE(normal_ssn, '[0-9]{9}'), SUBSTR(normal_ssn, 1, :prefix_length), NULL) AS prefix
    FROM normal_caregiver
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY caregiver_id
        ORDER BY
            normal_ssn NULLS LAST,
            aide_code NULLS LAST,
            aide_name NULLS LAST,
            aide_first_name NULLS LAST,
            aide_last_name NULLS LAST,
            aide_status NULLS LAST
    ) = 1
),

caregiver AS (
    SELECT
        c.*,
        x.ssn IS NOT NULL AS is_excluded,
        w.ssn_prefix IS NOT NULL AS is_wanted
    FROM one_caregiver AS c
    LEFT JOIN excluded_ssn AS x ON x.ssn = c.normal_ssn
    LEFT JOIN wanted_prefix AS w ON w.ssn_prefix = c.prefix
),

fact AS (
    SELECT
        NULLIF(TRIM("Visit Id"), '') AS visit_id,
        NULLIF(TRIM("Application Visit Id"), '') AS app_visit_id,
        CONVERT_TIMEZONE(:source_zone, "Visit Date")::DATE AS visit_date,
        NULLIF(TRIM("Visit Status"), '') AS visit_status,
        CONVERT_TIMEZONE('UTC', "Scheduled Start Time")::TIMESTAMP_NTZ AS sch_start_time,
        CONVERT_TIMEZONE('UTC', "Scheduled End Time")::TIMESTAMP_NTZ AS sch_end_time,
        CONVERT_TIMEZONE('UTC', "Visit Start Time")::TIMESTAMP_NTZ AS visit_start_time,
        CONVERT_TIMEZONE('UTC', "Visit End Time")::TIMESTAMP_NTZ AS visit_end_time,
        CONVERT_TIMEZONE('UTC', "Call In Time")::TIMESTAMP_NTZ AS evv_start_time,
        CONVERT_TIMEZONE('UTC', "Call Out Time")::TIMESTAMP_NTZ AS evv_end_time,
        "Call In GPS Coordinates" AS call_in_point,
        "Call Out GPS Coordinates" AS call_out_point,
        "Call Out Device Type" AS evv_type,
        COALESCE("Is Missed", FALSE) AS is_missed,
        "Missed Visit Reason" AS missed_visit_reason,
        COALESCE("Permanent Deleted", FALSE) AS is_deleted,
        NULLIF(TRIM("Provider Id"), '') AS provider_id,
        NULLIF(TRIM("Application Provider Id"), '') AS app_provider_id,
        NULLIF(TRIM("Office Id"), '') AS office_id,
        NULLIF(TRIM("Caregiver Id"), '') AS caregiver_id,
        TRIM("Application Caregiver Id"::VARCHAR) AS app_caregiver_id,
        NULLIF(TRIM("Patient Id"), '') AS patient_id,
        NULLIF(TRIM("Provider Patient Id"), '') AS provider_patient_id,
        NULLIF(TRIM("Payer Id"), '') AS payer_id,
        "Application Payer Id" AS app_payer_id,
        NULLIF(TRIM("Contract Id"), '') AS contract_id,
        NULLIF(TRIM("Application Contract Id"), '') AS app_contract_id,
        NULLIF(TRIM("Service Code Id"), '') AS service_code_id,
        NULLIF(TRIM("Bill Type"), '') AS rate_type,
        COALESCE(LOWER(TRIM("Billed")) = 'yes', FALSE) AS billed,
        "Billed Hours"::DOUBLE AS billed_hours,
        "Billed Rate"::DOUBLE AS billed_rate,
        "Bill Rate Non-Billed"::DOUBLE AS bill_rate_non_billed,
        "Total Billed Amount"::DOUBLE AS total_billed_amount,
        CONVERT_TIMEZONE(:source_zone, "Invoice Date")::DATE AS billed_date,
        CONVERT_TIMEZONE('UTC', "Visit Updated Timestamp")::TIMESTAMP_NTZ AS last_updated_date,
        NULLIF(TRIM("Visit Updated User Id"), '') AS updated_user_id
    FROM FACTVISITCALLPERFORMANCE_CR
),

visit AS (
    SELECT
        f.*,
        c.normal_ssn AS ssn,
        c.prefix AS ssn_prefix,
        IFF(f.visit_start_time IS NOT NULL AND f.visit_end_time IS NOT NULL, f.visit_start_time, f.sch_start_time)
            AS start_time,
        IFF(f.visit_start_time IS NOT NULL AND f.visit_end_time IS NOT NULL, f.visit_end_time, f.sch_end_time)
            AS end_time,
        CASE
            WHEN UPPER(f.visit_status) IN ('CANCELLED', 'DELETED', 'PENDING') THEN 'inactive_status'
            WHEN f.is_deleted THEN 'deleted'
            WHEN f.is_missed THEN 'missed'
            WHEN f.visit_date < :first_date::DATE OR f.visit_date > :last_date::DATE THEN 'out_of_window'
            WHEN a.provider_id IS NULL THEN 'unknown_agency'
            WHEN NOT a.is_active THEN 'inactive_agency'
            WHEN a.is_excluded THEN 'excluded_agency'
            WHEN c.is_excluded THEN 'excluded_ssn'
            WHEN c.normal_ssn IS NULL THEN 'missing_ssn'
            WHEN c.prefix IS NULL THEN 'invalid_ssn'
            WHEN f.visit_id IS NULL OR f.visit_date IS NULL THEN 'missing_key'
            WHEN start_time IS NULL OR end_time IS NULL THEN 'no_times'
            WHEN end_time <= start_time THEN 'empty_interval'
        END AS own_outcome,
        -- What would be compared, were it active: its conflicts go when the visit does.
        own_outcome IS NULL OR (
            own_outcome IN ('inactive_status', 'deleted', 'missed', 'unknown_agency', 'inactive_agency')
            AND f.visit_id IS NOT NULL
            AND c.prefix IS NOT NULL
            AND NOT c.is_excluded
            AND NOT COALESCE(a.is_excluded, FALSE)
            AND f.visit_date BETWEEN :first_date::DATE AND :last_date::DATE
        ) AS is_comparable
    FROM fact AS f
    LEFT JOIN caregiver AS c ON c.caregiver_id = f.caregiver_id
    LEFT JOIN agency AS a ON a.provider_id = f.provider_id
    WHERE :all_prefixes OR c.is_wanted
),

repeated AS (
    SELECT ssn, visit_id
    FROM visit
    WHERE ssn IS NOT NULL AND visit_id IS NOT NULL
    GROUP BY ssn, visit_id
    HAVING COUNT(*) > 1
),

single AS (
    SELECT v.*, v.own_outcome AS first_outcome
    FROM visit AS v
    LEFT JOIN repeated AS r ON r.ssn = v.ssn AND r.visit_id = v.visit_id
    WHERE r.ssn IS NULL
    UNION ALL
    SELECT
        v.*,
        IFF(
            ROW_NUMBER() OVER (
                PARTITION BY v.ssn, v.visit_id
                ORDER BY
                    v.last_updated_date DESC NULLS LAST,
                    v.provider_id NULLS LAST,
                    v.visit_date NULLS LAST,
                    v.visit_start_time NULLS LAST,
                    v.visit_end_time NULLS LAST,
                    v.sch_start_time NULLS LAST,
                    v.sch_end_time NULLS LAST,
                    v.own_outcome NULLS FIRST,
                    v.app_visit_id NULLS LAST
            ) = 1,
            v.own_outcome,
            'duplicate_visit_id'
        ) AS first_outcome
    FROM visit AS v
    JOIN repeated AS r ON r.ssn = v.ssn AND r.visit_id = v.visit_id
),

-- Caregivers of whom a day may be contested or too full; the rest need no look at their days.
suspect AS (
    SELECT ssn
    FROM (
        SELECT ssn, DATE_TRUNC('MONTH', visit_date) AS month,
            MIN(provider_id) AS first_agency, MAX(provider_id) AS last_agency, COUNT(*) AS visits
        FROM visit
        WHERE is_comparable
        GROUP BY 1, 2
    ) AS months
    GROUP BY ssn
    HAVING MIN(first_agency) <> MAX(last_agency) OR MAX(visits) > :max_visits_per_day
),

counted_day AS (
    SELECT
        s.ssn,
        s.visit_date,
        COUNT_IF(s.first_outcome IS NULL) > :max_visits_per_day AS is_dense,
        MIN(IFF(s.first_outcome IS NULL, s.provider_id, NULL)) AS first_good,
        MAX(IFF(s.first_outcome IS NULL, s.provider_id, NULL)) AS last_good,
        MIN(IFF(s.first_outcome IS NOT NULL, s.provider_id, NULL)) AS first_gone,
        MAX(IFF(s.first_outcome IS NOT NULL, s.provider_id, NULL)) AS last_gone
    FROM single AS s
    JOIN suspect ON suspect.ssn = s.ssn
    WHERE s.is_comparable AND s.first_outcome IS DISTINCT FROM 'duplicate_visit_id'
    GROUP BY s.ssn, s.visit_date
),

-- The first and the last agency of a day, of good visits and of all that would be compared were they active.
agency_day AS (
    SELECT
        ssn,
        visit_date,
        is_dense,
        IFF(is_dense, NULL, first_good) AS first_good,
        IFF(is_dense, NULL, last_good) AS last_good,
        LEAST(
            COALESCE(IFF(is_dense, NULL, first_good), first_gone),
            COALESCE(first_gone, IFF(is_dense, NULL, first_good))
        ) AS first_any,
        GREATEST(
            COALESCE(IFF(is_dense, NULL, last_good), last_gone),
            COALESCE(last_gone, IFF(is_dense, NULL, last_good))
        ) AS last_any
    FROM counted_day
),

judged_day AS (
    SELECT
        d.ssn,
        d.visit_date,
        d.is_dense,
        COALESCE(d.first_good <> d.last_good, FALSE)
            OR COALESCE(d.first_good <> p.first_good OR d.first_good <> p.last_good, FALSE)
            OR COALESCE(d.first_good <> n.first_good OR d.first_good <> n.last_good, FALSE) AS is_contested,
        COALESCE(d.first_any <> d.last_any, FALSE)
            OR COALESCE(d.first_any <> p.first_any OR d.first_any <> p.last_any, FALSE)
            OR COALESCE(d.first_any <> n.first_any OR d.first_any <> n.last_any, FALSE) AS was_contested
    FROM agency_day AS d
    LEFT JOIN agency_day AS p ON p.ssn = d.ssn AND p.visit_date = d.visit_date - 1 AND :cross_midnight
    LEFT JOIN agency_day AS n ON n.ssn = d.ssn AND n.visit_date = d.visit_date + 1 AND :cross_midnight
),

judged AS (
    SELECT
        s.*,
        CASE
            WHEN s.first_outcome IS NOT NULL THEN s.first_outcome
            WHEN d.is_dense THEN 'implausible_density'
            WHEN d.is_contested THEN 'contested'
            ELSE 'uncontested'
        END AS outcome,
        s.is_comparable AND COALESCE(d.was_contested, FALSE) AS was_contested
    FROM single AS s
    LEFT JOIN judged_day AS d ON d.ssn = s.ssn AND d.visit_date = s.visit_date AND s.is_comparable
),

-- A patient's newest primary GPS address.
address AS (
    SELECT
        TRIM(a."Patient Id") AS patient_id,
        a."Address Line 1" AS p_address_line_1,
        a."City" AS p_city,
        a."Address State" AS p_state,
        NULLIF(SUBSTR(REGEXP_REPLACE(a."Zip Code", '[^0-9]', ''), 1, 5), '') AS p_zip_code,
        a."County" AS p_county,
        a."Latitude" AS home_latitude,
        a."Longitude" AS home_longitude,
        COALESCE(
            ABS(home_latitude) <= 90 AND ABS(home_longitude) <= 180 AND (home_latitude <> 0 OR home_longitude <> 0),
            FALSE
        ) AS is_good_home,
        NOT is_good_home AND (home_latitude IS NOT NULL OR home_longitude IS NOT NULL) AS is_bad_home
    FROM DIMPATIENTADDRESS AS a
    WHERE a."Primary Address" AND a."Address Type" ILIKE '%GPS%'
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY TRIM(a."Patient Id")
        ORDER BY
            a."Application Created UTC Timestamp" DESC NULLS LAST,
            a."Address Line 1" NULLS LAST,
            a."City" NULLS LAST,
            a."Address State" NULLS LAST,
            a."Zip Code" NULLS LAST,
            a."County" NULLS LAST,
            a."Latitude" NULLS LAST,
            a."Longitude" NULLS LAST
    ) = 1
),

-- Every visit with what its devices say of where it was; a lone comma is a point that says nothing.
located AS (
    SELECT
        j.*,
        j.outcome IN ('contested', 'uncontested') AS is_active,
        IFF(is_active, NULLIF(TRIM(REPLACE(j.call_in_point, '"', '')), ''), NULL) AS in_text,
        IFF(is_active, NULLIF(TRIM(REPLACE(j.call_out_point, '"', '')), ''), NULL) AS out_text,
        TRY_TO_DOUBLE(TRIM(SPLIT_PART(in_text, ',', 1))) AS in_latitude,
        TRY_TO_DOUBLE(TRIM(SPLIT_PART(in_text, ',', 2))) AS in_longitude,
        TRY_TO_DOUBLE(TRIM(SPLIT_PART(out_text, ',', 1))) AS out_latitude,
        TRY_TO_DOUBLE(TRIM(SPLIT_PART(out_text, ',', 2))) AS out_longitude,
        COALESCE(
            ABS(in_latitude) <= 90 AND ABS(in_longitude) <= 180 AND (in_latitude <> 0 OR in_longitude <> 0),
            FALSE
        ) AS is_good_in,
        COALESCE(
            ABS(out_latitude) <= 90 AND ABS(out_longitude) <= 180 AND (out_latitude <> 0 OR out_longitude <> 0),
            FALSE
        ) AS is_good_out
    FROM judged AS j
)

SELECT * FROM located
