-- Every agency has caregivers without a usable SSN. 'caregiver_unknown' and 'no_caregiver' have no row at all.
CREATE TEMP TABLE odd_numbers AS
FROM (VALUES
    ('ssn_zeros', 1, '000-00-0000'),
    ('ssn_nines', 2, '999999999'),
    ('ssn_blank', 3, '  '),
    ('ssn_null', 4, NULL),
    ('ssn_short', 5, '12345678'),
    ('ssn_letters', 6, '12345678X'),
    ('ssn_long', 7, '123-45-67890')
) AS known(trait, kind, ssn);

INSERT INTO "BI"."DIMCAREGIVER"
SELECT
    (kind * 100000 + agency)::VARCHAR,
    ssn,
    concat('TMP-', kind),
    'To Be Assigned',
    'To Be',
    'Assigned',
    'Active'
FROM odd_numbers, agencies
ORDER BY kind, agency;
