-- Agencies: the active ones first, then inactive ones, then demo ones. Each has three offices, of which a few closed.
CREATE TEMP TABLE agencies AS
SELECT
    number AS agency,
    number < getvariable('active_agencies') OR number >= getvariable('active_agencies') + getvariable('inactive_agencies')
        AS is_active,
    number >= getvariable('active_agencies') + getvariable('inactive_agencies') AS is_demo,
    roll('agency', number) AS luck
FROM range(
    getvariable('active_agencies') + getvariable('inactive_agencies') + getvariable('demo_agencies')
) AS numbers(number);

CREATE TABLE "BI"."DIMPROVIDER" AS
SELECT
    (10000 + agency)::VARCHAR AS "Provider Id",
    is_active AS "Is Active",
    is_demo AS "Is Demo",
    concat_ws(
        ' ',
        pick(['Harbor', 'Beacon', 'Cedar', 'Evergreen', 'Liberty', 'Meadow', 'Northside', 'Sunrise'], luck),
        pick(['Home Care', 'Caregivers', 'Companions', 'Home Health', 'Family Care'], luck >> 8),
        agency + 1,
        CASE WHEN is_demo THEN '(demo)' END
    ) AS "Provider Name",
    concat('212-555-', lpad((luck % 10000)::VARCHAR, 4, '0')) AS "Phone Number 1",
    concat('00-', lpad((1000000 + agency)::VARCHAR, 7, '0')) AS "Federal Tax Number",
    CASE WHEN (luck >> 16) % 12 = 0 THEN 'NJ' ELSE 'NY' END AS "Address State"
FROM agencies
ORDER BY agency;

CREATE TABLE "BI"."DIMOFFICE" AS
SELECT
    (agency * 4 + office)::VARCHAR AS "Office Id",
    (luck >> (office * 4)::INTEGER) % 16 > 0 AS "Is Active",
    concat(pick(['Main', 'Uptown', 'Bridge', 'Parkside', 'Station'], luck >> office::INTEGER), ' office') AS "Office Name"
FROM agencies, range(3) AS offices(office)
ORDER BY agency, office;
