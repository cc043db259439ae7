-- The rules once more, in plain SQL over the raw tables and by all pairs: an outcome for every row (`judged`) and the
-- conflicts among active visits (`found`), to hold the generator's claims to. $as_of is the run's date.
CREATE TEMP MACRO digits(ssn) AS replace(replace(ssn, '-', ''), ' ', '');
CREATE TEMP MACRO part_of(point, n) AS try_cast(trim(split_part(replace(point, '"', ''), ',', n)) AS DOUBLE);
CREATE TEMP MACRO good(lat, lon) AS coalesce(abs(lat) <= 90 AND abs(lon) <= 180 AND NOT (lat = 0 AND lon = 0), FALSE);
CREATE TEMP MACRO local_date(moment) AS (moment AT TIME ZONE 'America/New_York')::DATE;

CREATE TEMP TABLE home AS
SELECT trim("Patient Id") AS patient, left(trim("Zip Code"), 5) AS zip, "Latitude" AS lat, "Longitude" AS lon
FROM source."BI"."DIMPATIENTADDRESS"
WHERE "Primary Address" AND "Address Type" LIKE '%GPS%'
QUALIFY row_number() OVER (PARTITION BY "Patient Id" ORDER BY "Application Created UTC Timestamp" DESC) = 1;

CREATE TEMP TABLE judged AS
WITH rows AS (
    SELECT
        nullif(trim(f."Visit Id"), '') AS visit_id,
        nullif(digits(c."SSN"), '') AS ssn,
        nullif(trim(f."Provider Id"), '') AS provider_id,
        local_date(f."Visit Date") AS visit_date,
        f."Visit Updated Timestamp" AS updated,
        f.*,
        a."Provider Id" IS NOT NULL AS known_agency,
        a."Is Active" AND NOT a."Is Demo" AS active_agency,
        f."Visit Start Time" IS NOT NULL AND f."Visit End Time" IS NOT NULL AS worked,
        CASE WHEN worked THEN f."Visit Start Time" ELSE f."Scheduled Start Time" END AS starts,
        CASE WHEN worked THEN f."Visit End Time" ELSE f."Scheduled End Time" END AS ends,
        h.zip,
        CASE WHEN good(part_of(f."Call In GPS Coordinates", 1), part_of(f."Call In GPS Coordinates", 2)) THEN 1
             WHEN good(part_of(f."Call Out GPS Coordinates", 1), part_of(f."Call Out GPS Coordinates", 2)) THEN 2
             WHEN good(h.lat, h.lon) THEN 3 END AS candidate,
        CASE candidate WHEN 1 THEN part_of(f."Call In GPS Coordinates", 1)
                       WHEN 2 THEN part_of(f."Call Out GPS Coordinates", 1) WHEN 3 THEN h.lat END AS lat,
        CASE candidate WHEN 1 THEN part_of(f."Call In GPS Coordinates", 2)
                       WHEN 2 THEN part_of(f."Call Out GPS Coordinates", 2) WHEN 3 THEN h.lon END AS lon
    FROM source."BI"."FACTVISITCALLPERFORMANCE_CR" AS f
    LEFT JOIN source."BI"."DIMCAREGIVER" AS c ON trim(c."Caregiver Id") = trim(f."Caregiver Id")
    LEFT JOIN source."BI"."DIMPROVIDER" AS a ON trim(a."Provider Id") = trim(f."Provider Id")
    LEFT JOIN home AS h ON h.patient = trim(f."Provider Patient Id")
),

ranked AS (
    SELECT
        *,
        visit_id IS NOT NULL AND ssn IS NOT NULL
        AND row_number() OVER (PARTITION BY ssn, visit_id ORDER BY updated DESC) > 1 AS outdated
    FROM rows
),

asked AS (
    SELECT
        *,
        CASE
            WHEN outdated THEN 'duplicate_visit_id'
            WHEN lower(trim("Visit Status")) IN ('cancelled', 'deleted', 'pending') THEN 'inactive_status'
            WHEN "Permanent Deleted" THEN 'deleted'
            WHEN "Is Missed" THEN 'missed'
            WHEN visit_date NOT BETWEEN ($as_of::DATE - INTERVAL 2 YEAR)::DATE AND $as_of::DATE + 45 THEN 'out_of_window'
            WHEN NOT known_agency THEN 'unknown_agency'
            WHEN NOT active_agency THEN 'inactive_agency'
            WHEN ssn IN ('000000000', '999999999') THEN 'excluded_ssn'
            WHEN ssn IS NULL THEN 'missing_ssn'
            WHEN NOT regexp_full_match(ssn, '[0-9]{9}') THEN 'invalid_ssn'
            WHEN visit_id IS NULL OR visit_date IS NULL OR provider_id IS NULL THEN 'missing_key'
            WHEN starts IS NULL OR ends IS NULL THEN 'no_times'
            WHEN ends <= starts THEN 'empty_interval'
        END AS reason
    FROM ranked
)

SELECT
    * EXCLUDE (reason),
    CASE WHEN reason IS NULL AND count(*) FILTER (reason IS NULL) OVER (PARTITION BY ssn, visit_date) > 50
         THEN 'implausible_density' ELSE coalesce(reason, 'active') END AS outcome
FROM asked;

CREATE TEMP TABLE pairs AS
WITH active AS (
    SELECT ssn, visit_id, provider_id, visit_date, worked, starts, ends, zip, lat, lon
    FROM judged WHERE outcome = 'active'
),

measured AS (
    SELECT
        a.visit_id, b.visit_id AS con_visit_id, a.visit_date, b.visit_date AS con_visit_date,
        a.worked AS worked, b.worked AS con_worked,
        a.starts = b.starts AND a.ends = b.ends AS same,
        a.starts < b.ends AND b.starts < a.ends AS meet,
        greatest(epoch(a.starts) - epoch(b.ends), epoch(b.starts) - epoch(a.ends)) / 60 AS gap,
        a.zip IS DISTINCT FROM b.zip OR a.zip IS NULL AS elsewhere,
        round(1.25 * 3958.7613 * 2 * asin(sqrt(
            sin(radians(b.lat - a.lat) / 2) ** 2
            + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(radians(b.lon - a.lon) / 2) ** 2)), 2) AS miles
    FROM active AS a
    JOIN active AS b
        ON a.ssn = b.ssn AND a.provider_id <> b.provider_id AND a.visit_id < b.visit_id
        AND b.visit_date BETWEEN a.visit_date - 1 AND a.visit_date + 1
)

SELECT *, round(miles / CASE WHEN miles < 5 THEN 4 WHEN miles < 10 THEN 10 WHEN miles < 20 THEN 25 ELSE 50 END * 60, 2) AS eta
FROM measured;

CREATE TEMP TABLE found AS
SELECT
    visit_id, con_visit_id, visit_date, con_visit_date,
    CASE
        WHEN same AND worked AND con_worked THEN 'same_visit_time'
        WHEN same AND worked <> con_worked THEN 'sch_and_visit_time_same'
        WHEN same THEN 'same_sch_time'
        WHEN meet AND worked AND con_worked THEN 'visit_time_over_another_visit_time'
        WHEN meet AND worked <> con_worked THEN 'sch_time_over_visit_time'
        WHEN meet THEN 'sch_over_another_sch_time'
        WHEN worked AND con_worked AND elsewhere AND eta > gap THEN 'distance'
    END AS flag,
    visit_date <> con_visit_date AS crosses_midnight
FROM pairs
WHERE flag IS NOT NULL;
