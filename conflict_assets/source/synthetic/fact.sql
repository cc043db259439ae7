-- The visits of one chunk as the warehouse has them. What a trait (traits.sql) does to columns other than times is here.
INSERT INTO "BI"."FACTVISITCALLPERFORMANCE_CR"
WITH described AS (
    SELECT
        shifts.*,
        days.midnight,
        days.today_shift,
        days.tomorrow_shift,
        days.visit_date,
        CASE shifts.agency
            WHEN 0 THEN persons.home_agency
            WHEN 2 THEN persons.third_agency
            ELSE persons.second_agency
        END AS own_agency,
        shifts.person * 4 + shifts.agency AS employment,
        CASE WHEN patient IN (0, 3) THEN near_latitude ELSE far_latitude END
        + CASE WHEN patient = 3 THEN 4500 ELSE 0 END + stray * (part(luck2, 3, 901)::INTEGER - 450) AS latitude,
        CASE WHEN patient IN (0, 3) THEN near_longitude ELSE far_longitude END
        - CASE WHEN patient = 3 THEN 3000 ELSE 0 END + stray * (part(luck2, 9, 901)::INTEGER - 450) AS longitude,
        shifts.day <= -10 AND part(luck, 9, 20) < 11 AS is_billed,
        part(luck, 2, 20) AS payer,
        pick(['Hourly', 'Hourly', 'Hourly', 'Hourly', 'Hourly', 'Hourly', 'Daily', 'Visit'], part(luck2, 11, 8)) AS bill_type,
        coalesce(act_to - act_from, sch_to - sch_from, 0) AS minutes
    FROM shifts
    JOIN persons USING (person)
    JOIN days ON days.day = shifts.day
),

placed AS (
    SELECT
        *,
        CASE trait
            WHEN 'inactive_agency' THEN getvariable('active_agencies') + part(luck, 5, getvariable('inactive_agencies'))
            WHEN 'demo_agency' THEN getvariable('active_agencies') + getvariable('inactive_agencies')
                + part(luck, 5, getvariable('demo_agencies'))
            ELSE own_agency
        END AS seen_agency,
        concat(degrees_of(latitude), CASE WHEN part(luck2, 7, 10) = 1 THEN ', ' ELSE ',' END, degrees_of(longitude))
            AS point,
        CASE WHEN payer = 0 THEN 1 + part(luck2, 5, 39) ELSE part(luck2, 5, 40) END AS contract,
        CASE bill_type
            WHEN 'Hourly' THEN 18 + part(luck, 6, 69) * 0.25
            WHEN 'Daily' THEN 190 + part(luck, 6, 120)
            ELSE 45 + part(luck, 6, 60)
        END::DECIMAL(9, 2) AS bill_rate
    FROM described
),

signalled AS (
    SELECT
        *,
        CASE WHEN part(luck2, 6, 8) = 0 THEN concat('"', point, '"') ELSE point END AS signal,
        (seen_agency + 10000)::VARCHAR AS provider_id
    FROM placed
)

SELECT
    CASE
        WHEN trait IS NULL THEN visit_number::VARCHAR
        WHEN trait = 'no_visit_id' THEN NULL
        WHEN trait = 'blank_visit_id' THEN '  '
        WHEN trait = 'padded_ids' THEN concat(' ', visit_number, '  ')
        ELSE visit_number::VARCHAR
    END,
    concat('A', visit_number),
    CASE WHEN trait = 'no_visit_date' THEN NULL
         ELSE instant(midnight, passed(1440 * dated, today_shift, tomorrow_shift), 0) END,
    CASE
        WHEN trait = 'cancelled' OR trait = 'duplicate_cancelled' THEN 'Cancelled'
        WHEN trait = 'cancelled_spelled_oddly' THEN ' cAnceLLed '
        WHEN trait = 'status_deleted' THEN 'Deleted'
        WHEN trait = 'status_pending' THEN 'Pending'
        WHEN trait = 'null_status' THEN NULL
        WHEN is_billed THEN 'Billed'
        WHEN act_from IS NOT NULL AND act_to IS NOT NULL THEN 'Confirmed'
        WHEN act_from IS NOT NULL OR act_to IS NOT NULL THEN 'Incomplete'
        ELSE 'Scheduled'
    END,
    instant(midnight, passed(sch_from, today_shift, tomorrow_shift), 0),
    instant(midnight, passed(sch_to, today_shift, tomorrow_shift), 0),
    instant(midnight, passed(act_from, today_shift, tomorrow_shift), seconds),
    instant(midnight, passed(act_to, today_shift, tomorrow_shift), seconds),
    instant(midnight, passed(act_from, today_shift, tomorrow_shift), seconds),
    instant(midnight, passed(act_to, today_shift, tomorrow_shift), seconds),
    CASE
        WHEN act_from IS NULL THEN NULL
        WHEN trait IS NULL THEN signal
        WHEN trait IN ('gps_comma', 'gps_none', 'gps_out_only') THEN ','
        WHEN trait = 'gps_zero' THEN '0,0'
        WHEN trait = 'gps_out_of_range' THEN '140.712800,-274.006000'
        WHEN trait = 'gps_no_number' THEN 'unknown,unknown'
        ELSE signal
    END,
    CASE
        WHEN act_to IS NULL THEN NULL
        WHEN trait IS NULL THEN signal
        WHEN trait IN ('gps_comma', 'gps_none', 'gps_zero', 'gps_out_of_range') THEN ','
        ELSE signal
    END,
    CASE WHEN act_to IS NULL THEN NULL
         ELSE pick(['Mobile', 'Mobile', 'Mobile', 'Landline', 'FOB'], part(luck2, 4, 5)) END,
    CASE WHEN trait = 'null_flags' THEN NULL ELSE coalesce(trait = 'missed', FALSE) END,
    CASE WHEN trait = 'missed' THEN pick(['No show', 'Patient in hospital', 'Refused'], part(luck, 7, 3)) END,
    CASE WHEN trait = 'null_flags' THEN NULL ELSE coalesce(trait = 'deleted', FALSE) END,
    CASE
        WHEN trait IS NULL THEN provider_id
        WHEN trait = 'no_agency' THEN NULL
        WHEN trait = 'unknown_agency' THEN concat('X', provider_id)
        WHEN trait IN ('padded_ids', 'padded_agency') THEN concat(' ', provider_id, ' ')
        ELSE provider_id
    END,
    CASE WHEN trait = 'no_agency' THEN NULL ELSE (seen_agency + 1)::VARCHAR END,
    (seen_agency * 4 + part(luck2, 13, 3))::VARCHAR,
    CASE
        WHEN trait IS NULL THEN (1000000 + employment)::VARCHAR
        WHEN trait = 'no_caregiver' THEN NULL
        WHEN trait = 'caregiver_unknown' THEN concat('X', employment)
        WHEN odd_numbers.kind IS NOT NULL THEN (odd_numbers.kind * 100000 + seen_agency)::VARCHAR
        ELSE (1000000 + employment)::VARCHAR
    END,
    employment,
    concat('P', employment * 4 + patient),
    (5000000 + employment * 4 + patient)::VARCHAR,
    concat('M', employment * 4 + patient),
    (700 + payer)::VARCHAR,
    payer,
    (3000 + contract)::VARCHAR,
    contract::VARCHAR,
    (500 + part(luck2, 8, 15))::VARCHAR,
    CASE part(luck2, 2, 200) WHEN 0 THEN NULL WHEN 1 THEN 'Other' ELSE bill_type END,
    CASE WHEN is_billed THEN 'yes' ELSE 'no' END,
    CASE WHEN is_billed AND part(luck2, 1, 300) > 0 THEN (minutes / 60)::DECIMAL(18, 2) END,
    CASE WHEN is_billed THEN bill_rate END,
    CASE part(luck2, 1, 400) WHEN 1 THEN NULL WHEN 2 THEN 0 ELSE bill_rate END,
    CASE WHEN is_billed AND bill_type = 'Hourly' THEN (bill_rate * minutes / 60)::DECIMAL(18, 2)
         WHEN is_billed THEN bill_rate END,
    -- Now and then the last midnight that there is, which some systems write for "never".
    CASE WHEN is_billed AND part(luck2, 15, 400) = 0 THEN TIMESTAMPTZ '9999-12-31 05:00:00+00'
         WHEN is_billed THEN instant(midnight, 1440 * (5 + part(luck, 3, 4)), 0) END,
    -- Never after the run's date, and an older row of a visit a day before the newer one.
    least(instant(midnight, 1440 * (1 + part(luck, 6, 3)) + part(luck2, 0, 1440), 0), getvariable('now'))
    - to_seconds((age * 86400 + part(luck, 1, 3600))::INTEGER),
    (9000 + part(luck, 3, 50))::VARCHAR
FROM signalled
LEFT JOIN odd_numbers USING (trait);
