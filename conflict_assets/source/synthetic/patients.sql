-- Patients of a chunk's persons: four with each agency of theirs, of whom number 2 has no address.
CREATE OR REPLACE TEMP TABLE clients AS
SELECT
    persons.* EXCLUDE (person, ssn, namesake_ssn),
    (persons.person * 4 + agency) * 4 + patient AS client,
    patient,
    roll('patient', (persons.person * 4 + agency) * 4 + patient) AS luck
FROM persons
JOIN range(4) AS agencies(agency) ON agency = 0 OR (is_multi AND (agency <> 2 OR three_agencies)),
range(4) AS patients(patient);

INSERT INTO "BI"."DIMPATIENT"
SELECT
    (5000000 + client)::VARCHAR,
    concat('ADM', luck % 1000000),
    pick(['Ada', 'Bruno', 'Clara', 'Dov', 'Edith', 'Franz', 'Gloria', 'Harold', 'Ida', 'Jorge'], luck >> 8),
    pick(['Ames', 'Baker', 'Cruz', 'Dietz', 'Eng', 'Ford', 'Gold', 'Hill', 'Iyer', 'Jacobs'], luck >> 16),
    concat(pick(['AB', 'CD', 'EF', 'GH'], luck >> 20), 10000 + (luck >> 24) % 90000, pick(['A', 'K', 'Z'], luck >> 30)),
    CASE WHEN (luck >> 34) % 15 = 0 THEN 'Discharged' ELSE 'Active' END
FROM clients;

-- Several addresses a patient; the one that counts is the newest of the primary GPS ones. Newer rows that are not
-- primary, or not for GPS, and older ones that once counted, are all in another ZIP code.
INSERT INTO "BI"."DIMPATIENTADDRESS"
WITH rows_of AS (
    FROM (VALUES
        ('current', TRUE, 'Home,GPS', 30),
        ('former', TRUE, 'GPS', 400),
        ('mailing', TRUE, 'Mailing', 5),
        ('second home', FALSE, 'GPS,Other', 3)
    ) AS known(kind, is_primary, address_type, days_old)
),

chosen AS (
    SELECT
        *,
        kind = 'current' AS is_current,
        (patient = 1) = (kind = 'current') AS at_far
    FROM clients, rows_of
    WHERE
        CASE kind
            WHEN 'current' THEN patient <> 2
            WHEN 'former' THEN patient <> 2 AND luck % 3 = 0
            WHEN 'mailing' THEN (luck >> 4) % 4 = 0
            ELSE (luck >> 8) % 5 = 0
        END
)

SELECT
    (5000000 + client)::VARCHAR,
    getvariable('now') - to_days(days_old::INTEGER) - to_seconds((luck % 80000)::INTEGER),
    is_primary,
    address_type,
    concat(1 + (luck >> 12) % 900, ' ', pick(['Maple', 'Grand', 'Court', 'River', 'Hill', 'Union'], luck >> 22), ' St'),
    places.city,
    'NY',
    CASE WHEN (luck >> 32) % 4 = 0 THEN concat(places.zip, '-', 1000 + (luck >> 36) % 9000) ELSE places.zip END,
    places.county,
    (CASE WHEN at_far THEN far_latitude ELSE near_latitude END + CASE WHEN patient = 3 THEN 4500 ELSE 0 END) / 1e6,
    (CASE WHEN at_far THEN far_longitude ELSE near_longitude END - CASE WHEN patient = 3 THEN 3000 ELSE 0 END) / 1e6
FROM chosen
JOIN places ON places.place = CASE WHEN at_far THEN far_place ELSE near_place END;
