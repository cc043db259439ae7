-- One row for each employment of a chunk's persons: an agency numbers its own caregivers and writes SSNs as it likes.
INSERT INTO "BI"."DIMCAREGIVER"
WITH employments AS (
    SELECT
        *,
        person * 4 + agency AS employment,
        roll('caregiver', person) AS luck,
        roll('employment', person * 4 + agency) AS own_luck,
        CASE WHEN agency = 3 THEN namesake_ssn ELSE ssn END AS digits
    FROM persons
    JOIN range(4) AS agencies(agency)
        ON agency = 0 OR (is_multi AND (agency <> 2 OR three_agencies))
),

named AS (
    SELECT
        *,
        pick(
            ['Ana', 'Bela', 'Carmen', 'Dmitri', 'Elena', 'Fatou', 'Grace', 'Hyun', 'Irina', 'Jose', 'Keisha', 'Lin',
             'Maria', 'Nadia', 'Olga', 'Pierre', 'Rosa', 'Siobhán', 'Tomás', 'Yusuf'], luck
        ) AS first_name,
        pick(
            ['Abreu', 'Bondarenko', 'Chen', 'Diallo', 'Estévez', 'Francois', 'García', 'Hossain', 'Ivanova', 'Jean',
             'Kovacs', 'Lopez', 'Mensah', 'Nguyen', 'O''Brien', 'Park', 'Quispe', 'Rahman', 'Santos', 'Williams'],
            luck >> 8
        ) AS last_name
    FROM employments
)

SELECT
    (1000000 + employment)::VARCHAR,
    CASE own_luck % 8
        WHEN 0 THEN concat(digits[1:3], '-', digits[4:5], '-', digits[6:9])
        WHEN 1 THEN concat(digits[1:3], ' ', digits[4:5], ' ', digits[6:9])
        WHEN 2 THEN concat(' ', digits, '  ')
        ELSE digits
    END,
    concat('CG-', employment),
    concat(first_name, ' ', last_name),
    first_name,
    last_name,
    CASE WHEN (own_luck >> 8) % 12 = 0 THEN 'Inactive' ELSE 'Active' END
FROM named;
