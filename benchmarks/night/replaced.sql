-- Every visit in the window of the caregivers of one prefix who have conflicts, wide, in the product's names. $ssns are
-- bound. As fast as DuckDB can be made to do it: the visits' rows are found first and fetched by their numbers, in half
-- the time of a plain join, and of the addresses only those that the visits need are ranked.
WITH caregiver AS MATERIALIZED (
    SELECT *
    FROM (SELECT *, replace(replace("SSN", '-', ''), ' ', '') AS digits FROM "BI"."DIMCAREGIVER")
    WHERE digits IN (SELECT unnest($ssns::VARCHAR[]))
),

wanted AS MATERIALIZED (
    SELECT f.rowid AS number
    FROM "BI"."FACTVISITCALLPERFORMANCE_CR" AS f
    JOIN caregiver AS c ON c."Caregiver Id" = f."Caregiver Id"
),

visit AS MATERIALIZED (
    SELECT f.*, c.* EXCLUDE ("Caregiver Id"), (f."Visit Date" AT TIME ZONE 'America/New_York')::DATE AS visit_date
    FROM "BI"."FACTVISITCALLPERFORMANCE_CR" AS f
    JOIN caregiver AS c ON c."Caregiver Id" = f."Caregiver Id"
    WHERE f.rowid IN (SELECT number FROM wanted)
        AND f."Visit Date" BETWEEN $first AND $last
        AND upper(coalesce(trim(f."Visit Status"), '')) NOT IN ('CANCELLED', 'DELETED', 'PENDING')
        AND NOT coalesce(f."Permanent Deleted", FALSE)
        AND NOT coalesce(f."Is Missed", FALSE)
),

address AS (
    SELECT *
    FROM "BI"."DIMPATIENTADDRESS"
    WHERE "Primary Address" AND "Address Type" ILIKE '%GPS%'
        AND "Patient Id" IN (SELECT "Provider Patient Id" FROM visit)
    QUALIFY row_number() OVER (PARTITION BY "Patient Id" ORDER BY "Application Created UTC Timestamp" DESC) = 1
)

SELECT
    trim(v."Visit Id") AS visit_id,
    v."Application Visit Id" AS app_visit_id,
    v.digits AS ssn,
    v.visit_date,
    v."Visit Status" AS visit_status,
    v."Scheduled Start Time" AS sch_start_time,
    v."Scheduled End Time" AS sch_end_time,
    v."Visit Start Time" AS visit_start_time,
    v."Visit End Time" AS visit_end_time,
    v."Call In Time" AS evv_start_time,
    v."Call Out Time" AS evv_end_time,
    v."Call Out Device Type" AS evv_type,
    v."Is Missed" AS is_missed,
    v."Missed Visit Reason" AS missed_visit_reason,
    p."Provider Id" AS provider_id,
    v."Application Provider Id" AS app_provider_id,
    p."Provider Name" AS provider_name,
    p."Phone Number 1" AS agency_phone,
    p."Federal Tax Number" AS federal_tax_number,
    p."Address State" AS provider_state,
    v."Office Id" AS office_id,
    o."Office Name" AS office,
    v."Caregiver Id" AS caregiver_id,
    v."Application Caregiver Id"::BIGINT AS app_caregiver_id,
    v."Caregiver Code" AS aide_code,
    v."Caregiver Fullname" AS aide_name,
    v."Caregiver Firstname" AS aide_first_name,
    v."Caregiver Lastname" AS aide_last_name,
    v."Status" AS aide_status,
    v."Patient Id" AS patient_id,
    v."Provider Patient Id" AS provider_patient_id,
    v."Payer Patient Id" AS payer_patient_id,
    n."Admission Id" AS p_admission_id,
    n."Patient Firstname" AS p_first_name,
    n."Patient Lastname" AS p_last_name,
    n."Medicaid Number" AS p_medicaid_number,
    n."Status" AS p_status,
    d."Address Line 1" AS p_address_line_1,
    d."City" AS p_city,
    d."Address State" AS p_state,
    left(d."Zip Code", 5) AS p_zip_code,
    d."County" AS p_county,
    v."Call In GPS Coordinates" AS call_in_point,
    v."Call Out GPS Coordinates" AS call_out_point,
    coalesce(
        try_cast(split_part(replace(v."Call In GPS Coordinates", '"', ''), ',', 1) AS DOUBLE), d."Latitude"
    ) AS latitude,
    coalesce(
        try_cast(split_part(replace(v."Call In GPS Coordinates", '"', ''), ',', 2) AS DOUBLE), d."Longitude"
    ) AS longitude,
    v."Payer Id" AS payer_id,
    coalesce(y."Payer Name", k."Contract Name") AS contract,
    y."Payer State" AS payer_state,
    CASE
        WHEN v."Application Payer Id" = 0 AND v."Application Contract Id" <> '0' THEN 'Internal'
        WHEN v."Application Payer Id" <> 0 AND v."Application Contract Id" <> '0' THEN 'UPR'
        WHEN v."Application Payer Id" <> 0 AND v."Application Contract Id" = '0' THEN 'Payer'
    END AS contract_type,
    v."Service Code Id" AS service_code_id,
    s."Service Code" AS service_code,
    v."Bill Type" AS rate_type,
    lower(v."Billed") = 'yes' AS billed,
    (v."Invoice Date" AT TIME ZONE 'America/New_York')::DATE AS billed_date,
    v."Billed Hours"::DOUBLE AS billed_hours,
    v."Billed Rate"::DOUBLE AS billed_rate,
    v."Bill Rate Non-Billed"::DOUBLE AS bill_rate_non_billed,
    (CASE WHEN lower(v."Billed") = 'yes' THEN v."Billed Rate" ELSE v."Bill Rate Non-Billed" END)::DOUBLE AS rate,
    v."Total Billed Amount"::DOUBLE AS total_billed_amount,
    v."Visit Updated Timestamp" AS last_updated_date,
    u."User Fullname" AS last_updated_by
FROM visit AS v
JOIN "BI"."DIMPROVIDER" AS p ON p."Provider Id" = trim(v."Provider Id") AND p."Is Active" AND NOT p."Is Demo"
LEFT JOIN "BI"."DIMOFFICE" AS o ON o."Office Id" = v."Office Id" AND o."Is Active"
LEFT JOIN "BI"."DIMPATIENT" AS n ON n."Patient Id" = v."Provider Patient Id"
LEFT JOIN address AS d ON d."Patient Id" = v."Provider Patient Id"
LEFT JOIN "BI"."DIMPAYER" AS y ON y."Payer Id" = v."Payer Id" AND y."Is Active" AND NOT y."Is Demo"
LEFT JOIN "BI"."DIMCONTRACT" AS k ON k."Contract Id" = v."Contract Id" AND k."Is Active"
LEFT JOIN "BI"."DIMSERVICECODE" AS s ON s."Service Code Id" = v."Service Code Id"
LEFT JOIN "BI"."DIMUSER" AS u ON u."User Id" = v."Visit Updated User Id"
