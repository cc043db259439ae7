-- The caregivers of one chunk, and what is fixed for each: SSN, agencies, the two places of work, habits.
-- The first `multi` persons work for two agencies or more (every fourth of them for three), the others for one.
CREATE OR REPLACE TEMP TABLE persons AS
WITH rolled AS (
    SELECT
        range AS person,
        range < getvariable('multi') AS is_multi,
        range < getvariable('multi') AND range % 4 = 3 AS three_agencies,
        (roll('person', range) % 4294967296)::BIGINT AS key,
        roll('habits', range) AS habits,
        roll('agencies', range) AS agencies
    FROM range(getvariable('first_person'), getvariable('end_person'))
),

placed AS (
    SELECT
        *,
        -- A step of 1 or more along the ring of active agencies never comes back to the first.
        agencies % getvariable('active_agencies') AS home_agency,
        1 + (agencies >> 20) % (getvariable('active_agencies') - 1) AS second_step,
        1 + (agencies >> 40) % (getvariable('active_agencies') - 2) AS third_gap,
        pick(
            getvariable('prefixes'),
            -- Each prefix once first, in strides of 37, so that few persons spread widely; then a few more in the low ones.
            CASE WHEN person < 97 OR person - getvariable('multi') BETWEEN 0 AND 96 THEN person * 37 % 97
                 ELSE floor(97 * pow((habits % 100003) / 100003.0, 1.15)) END::BIGINT
        ) AS prefix,
        1 + (person * 7368787 + getvariable('seed') % 1000003) % 9999991 AS serial,
        1 + ((person + 5000000) * 7368787 + getvariable('seed') % 1000003) % 9999991 AS namesake_serial
    FROM rolled
)

SELECT
    person,
    is_multi,
    three_agencies,
    key,
    home_agency,
    (home_agency + second_step) % getvariable('active_agencies') AS second_agency,
    (home_agency + 1 + (second_step - 1 + third_gap) % (getvariable('active_agencies') - 1))
        % getvariable('active_agencies') AS third_agency,
    prefix || lpad(serial::VARCHAR, 7, '0') AS ssn,
    prefix || lpad(namesake_serial::VARCHAR, 7, '0') AS namesake_ssn,
    (250 + habits % 211)::INTEGER AS work_per_1000,
    ((habits >> 10) % 3)::INTEGER AS phase,
    ((habits >> 16) % 4096) / 4096.0::DOUBLE AS first_turn,
    place_pairs.too_short,
    place_pairs.enough,
    near.zip AS near_zip,
    far.zip AS far_zip,
    near.place AS near_place,
    far.place AS far_place,
    (near.latitude * 1000000 + (habits >> 28) % 7001 - 3500)::INTEGER AS near_latitude,
    (near.longitude * 1000000 + (habits >> 40) % 7001 - 3500)::INTEGER AS near_longitude,
    (far.latitude * 1000000 + (habits >> 28) % 7001 - 3500)::INTEGER AS far_latitude,
    (far.longitude * 1000000 + (habits >> 40) % 7001 - 3500)::INTEGER AS far_longitude
FROM placed
JOIN place_pairs ON place_pairs.pair = (agencies >> 50) % (SELECT count(*) FROM place_pairs)
JOIN places AS near ON near.place = place_pairs.near_place
JOIN places AS far ON far.place = place_pairs.far_place;
