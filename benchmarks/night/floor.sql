-- The conflicts of active visits, counted: the rules on the raw tables, and no column that does not decide.
WITH caregiver AS MATERIALIZED (
    SELECT caregiver_id, ssn
    FROM (
        SELECT trim("Caregiver Id") AS caregiver_id, replace(replace("SSN", '-', ''), ' ', '') AS ssn
        FROM "BI"."DIMCAREGIVER"
    )
    WHERE regexp_full_match(ssn, '[0-9]{9}') AND ssn NOT IN ('000000000', '999999999')
),

agency AS MATERIALIZED (
    SELECT trim("Provider Id") AS provider_id FROM "BI"."DIMPROVIDER" WHERE "Is Active" AND NOT "Is Demo"
),

several AS MATERIALIZED (
    SELECT c.ssn
    FROM "BI"."FACTVISITCALLPERFORMANCE_CR" AS f
    JOIN caregiver AS c ON c.caregiver_id = trim(f."Caregiver Id")
    GROUP BY c.ssn
    HAVING min(f."Provider Id") <> max(f."Provider Id")
),

chosen AS MATERIALIZED (
    SELECT
        c.ssn,
        trim(f."Visit Id") AS visit_id,
        trim(f."Provider Id") AS provider_id,
        (f."Visit Date" AT TIME ZONE 'America/New_York')::DATE AS visit_date,
        f."Visit Updated Timestamp" AS updated,
        f."Visit Start Time" IS NOT NULL AND f."Visit End Time" IS NOT NULL AS worked,
        CASE WHEN worked THEN f."Visit Start Time" ELSE f."Scheduled Start Time" END AS starts,
        CASE WHEN worked THEN f."Visit End Time" ELSE f."Scheduled End Time" END AS ends,
        lower(trim(coalesce(f."Visit Status", ''))) NOT IN ('cancelled', 'deleted', 'pending')
        AND NOT coalesce(f."Permanent Deleted", FALSE)
        AND NOT coalesce(f."Is Missed", FALSE)
        AND visit_date BETWEEN $first AND $last
        AND visit_id <> ''
        AND ends > starts AS good,
        trim(f."Provider Patient Id") AS patient_id,
        f."Call In GPS Coordinates" AS point_in,
        f."Call Out GPS Coordinates" AS point_out
    FROM "BI"."FACTVISITCALLPERFORMANCE_CR" AS f
    JOIN (FROM caregiver SEMI JOIN several USING (ssn)) AS c ON c.caregiver_id = trim(f."Caregiver Id")
),

repeated AS MATERIALIZED (
    SELECT ssn, visit_id, max(updated) AS newest FROM chosen GROUP BY ssn, visit_id HAVING count(*) > 1
),

newest AS MATERIALIZED (
    SELECT v.*
    FROM chosen AS v
    SEMI JOIN agency USING (provider_id)
    LEFT JOIN repeated AS r ON r.ssn = v.ssn AND r.visit_id = v.visit_id
    WHERE v.good AND (r.newest IS NULL OR v.updated = r.newest)
),

crowded AS (
    SELECT ssn, visit_date FROM newest GROUP BY ssn, visit_date HAVING count(*) > 200
),

active AS MATERIALIZED (
    FROM newest ANTI JOIN crowded USING (ssn, visit_date)
),

pairs AS MATERIALIZED (
    SELECT
        a.starts < b.ends AND b.starts < a.ends AS meet,
        greatest(epoch_us(a.starts) - epoch_us(b.ends), epoch_us(b.starts) - epoch_us(a.ends)) / 60e6 AS gap,
        a.patient_id, a.point_in, a.point_out,
        b.patient_id AS con_patient_id, b.point_in AS con_point_in, b.point_out AS con_point_out
    FROM (SELECT *, unnest([0, 1]) AS ahead FROM active) AS a
    JOIN active AS b
        ON b.ssn = a.ssn AND b.visit_date = a.visit_date + a.ahead AND b.provider_id <> a.provider_id
        AND (a.ahead = 1 OR a.visit_id < b.visit_id)
    WHERE meet OR (a.worked AND b.worked)
),

home AS MATERIALIZED (
    SELECT
        trim("Patient Id") AS patient_id,
        left(regexp_replace("Zip Code", '[^0-9]', '', 'g'), 5) AS zip,
        [ "Latitude", "Longitude" ] AS point
    FROM "BI"."DIMPATIENTADDRESS"
    WHERE "Primary Address" AND "Address Type" ILIKE '%GPS%'
    QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY "Application Created UTC Timestamp" DESC) = 1
),

placed AS (
    SELECT
        p.gap,
        one.zip IS DISTINCT FROM other.zip OR one.zip IS NULL AS elsewhere,
        list_transform([p.point_in, p.point_out], lambda text: list_transform(
            string_split(replace(text, '"', ''), ','), lambda part: try_cast(trim(part) AS DOUBLE)
        )) || [one.point] AS points,
        list_transform([p.con_point_in, p.con_point_out], lambda text: list_transform(
            string_split(replace(text, '"', ''), ','), lambda part: try_cast(trim(part) AS DOUBLE)
        )) || [other.point] AS con_points
    FROM pairs AS p
    LEFT JOIN home AS one ON one.patient_id = p.patient_id
    LEFT JOIN home AS other ON other.patient_id = p.con_patient_id
    WHERE NOT p.meet
),

measured AS (
    SELECT
        gap,
        list_filter(points, lambda x: abs(x[1]) <= 90 AND abs(x[2]) <= 180 AND (x[1] <> 0 OR x[2] <> 0))[1] AS a,
        list_filter(con_points, lambda x: abs(x[1]) <= 90 AND abs(x[2]) <= 180 AND (x[1] <> 0 OR x[2] <> 0))[1] AS b,
        round(1.25 * 3958.7613 * 2 * asin(sqrt(
            sin(radians(b[1] - a[1]) / 2) ** 2
            + cos(radians(a[1])) * cos(radians(b[1])) * sin(radians(b[2] - a[2]) / 2) ** 2
        )), 2) AS miles,
        round(miles / CASE WHEN miles < 5 THEN 4 WHEN miles < 10 THEN 10 WHEN miles < 20 THEN 25 ELSE 50 END * 60, 2)
            AS eta
    FROM placed
    WHERE elsewhere
)

SELECT (SELECT count(*) FROM pairs WHERE meet) + (SELECT count(*) FROM measured WHERE eta > gap)
