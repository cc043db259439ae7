-- What the dimensions say of the visits that `full_visits.sql` tells of, one row a key.
-- A warehouse has many more patients than a night needs.
needed_patient AS (
    SELECT DISTINCT TRIM("Provider Patient Id") AS patient_id
    FROM taken
    WHERE :every_outcome OR outcome = 'contested'
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
)
