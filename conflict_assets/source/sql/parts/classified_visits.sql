-- The visits of a run, each with the first reason of its own why it is out, if any. The fact view is read here, once, or the
-- `fact_rows` that a statement has chosen of it. In all statements TRIM takes away what the rules call blank, not spaces
-- alone: dialects.py says it to both engines.
excluded_agency AS (
    SELECT DISTINCT item.VALUE::VARCHAR AS provider_id
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:excluded_agencies))) AS item
),

excluded_ssn AS (
    SELECT DISTINCT item.VALUE::VARCHAR AS ssn
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:excluded_ssns))) AS item
),

wanted_prefix AS (
    SELECT DISTINCT item.VALUE::VARCHAR AS ssn_prefix
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:prefixes))) AS item
),

agency AS (
    SELECT
        TRIM(p."Provider Id") AS provider_id,
        NULLIF(TRIM(p."Provider Name"), '') AS provider_name,
        NULLIF(TRIM(p."Phone Number 1"), '') AS agency_phone,
        NULLIF(TRIM(p."Federal Tax Number"), '') AS federal_tax_number,
        NULLIF(TRIM(p."Address State"), '') AS provider_state,
        COALESCE(p."Is Active", FALSE) AND NOT COALESCE(p."Is Demo", FALSE) AS is_active,
        x.provider_id IS NOT NULL AS is_excluded,
        HASH(
            p."Provider Name", p."Phone Number 1", p."Federal Tax Number", p."Address State", is_active, is_excluded
        ) AS agency_hash
    FROM DIMPROVIDER AS p
    LEFT JOIN excluded_agency AS x ON x.provider_id = TRIM(p."Provider Id")
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY TRIM(p."Provider Id")
        ORDER BY
            p."Is Active" DESC NULLS LAST,
            p."Is Demo" NULLS LAST,
            p."Provider Name" NULLS LAST,
            p."Phone Number 1" NULLS LAST,
            p."Federal Tax Number" NULLS LAST,
            p."Address State" NULLS LAST
    ) = 1
),

normal_caregiver AS (
    SELECT
        TRIM(c."Caregiver Id") AS caregiver_id,
        TRIM(c."SSN"::VARCHAR) AS ssn_text,
        NULLIF(
            TRANSLATE(
                IFF(:ssn_is_number AND REGEXP_LIKE(ssn_text, '[0-9]{7,8}'), LPAD(ssn_text, 9, '0'), ssn_text),
                :dashes_and_white_space,
                ''
            ),
            ''
        ) AS normal_ssn,
        c."Caregiver Code" AS aide_code,
        c."Caregiver Fullname" AS aide_name,
        c."Caregiver Firstname" AS aide_first_name,
        c."Caregiver Lastname" AS aide_last_name,
        c."Status" AS aide_status
    FROM DIMCAREGIVER AS c
),

one_caregiver AS (
    SELECT *, IFF(REGEXP_LIKE(normal_ssn, '[0-9]{9}'), SUBSTR(normal_ssn, 1, :prefix_length), NULL) AS prefix
    FROM normal_caregiver
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY caregiver_id
        ORDER BY
            normal_ssn NULLS LAST,
            aide_code NULLS LAST,
            aide_name NULLS LAST,
            aide_first_name NULLS LAST,
            aide_last_name NULLS LAST,
            aide_status NULLS LAST
    ) = 1
),

caregiver AS (
    SELECT
        c.caregiver_id,
        c.normal_ssn,
        c.prefix,
        NULLIF(TRIM(c.aide_code), '') AS aide_code,
        NULLIF(TRIM(c.aide_name), '') AS aide_name,
        NULLIF(TRIM(c.aide_first_name), '') AS aide_first_name,
        NULLIF(TRIM(c.aide_last_name), '') AS aide_last_name,
        NULLIF(TRIM(c.aide_status), '') AS aide_status,
        x.ssn IS NOT NULL AS is_excluded,
        w.ssn_prefix IS NOT NULL AS is_wanted,
        HASH(
            c.normal_ssn, c.aide_code, c.aide_name, c.aide_first_name, c.aide_last_name, c.aide_status, is_excluded
        ) AS caregiver_hash,
        (COALESCE(c.prefix::INTEGER, -1) + 1) * :buckets + BITAND(HASH(c.normal_ssn), :bucket_mask)::INTEGER AS bucket
    FROM one_caregiver AS c
    LEFT JOIN excluded_ssn AS x ON x.ssn = c.normal_ssn
    LEFT JOIN wanted_prefix AS w ON w.ssn_prefix = c.prefix
),

-- What is judged is brought into shape here; the other columns stay as they are until few rows are left.
fact AS (
    SELECT
        NULLIF(TRIM("Visit Id"), '') AS visit_id,
        CONVERT_TIMEZONE(:source_zone, "Visit Date")::DATE AS visit_date,
        NULLIF(TRIM("Visit Status"), '') AS visit_status,
        CONVERT_TIMEZONE('UTC', "Scheduled Start Time")::TIMESTAMP_NTZ AS sch_start_time,
        CONVERT_TIMEZONE('UTC', "Scheduled End Time")::TIMESTAMP_NTZ AS sch_end_time,
        CONVERT_TIMEZONE('UTC', "Visit Start Time")::TIMESTAMP_NTZ AS visit_start_time,
        CONVERT_TIMEZONE('UTC', "Visit End Time")::TIMESTAMP_NTZ AS visit_end_time,
        COALESCE("Is Missed", FALSE) AS is_missed,
        COALESCE("Permanent Deleted", FALSE) AS is_deleted,
        NULLIF(TRIM("Provider Id"), '') AS provider_id,
        NULLIF(TRIM("Caregiver Id"), '') AS caregiver_id,
        -- Over every column that is read, as it is stored: no change of any of them goes unnoticed.
        HASH(
            {% include "parts/fact_columns.sql" %}
        ) AS fact_hash,
        {% include "parts/fact_columns.sql" %}
    FROM {{ fact_rows | default("FACTVISITCALLPERFORMANCE_CR") }}
),

-- Each visit with its caregiver, and its place among the cells.
placed AS (
    SELECT
        f.*,
        c.normal_ssn AS ssn,
        c.prefix AS ssn_prefix,
        c.is_excluded AS is_excluded_ssn,
        c.caregiver_hash,
        FLOOR(DATEDIFF(DAY, :first_block::DATE, f.visit_date) / :block_days)::INTEGER AS block,
        DATEDIFF(DAY, :first_block::DATE, f.visit_date) - block * :block_days AS day_of_block,
        COALESCE(c.bucket, 0)::BIGINT * :cells_a_bucket + COALESCE(block + :cell_of_first_block, 0) AS cell
    FROM fact AS f
    LEFT JOIN caregiver AS c ON c.caregiver_id = f.caregiver_id
    WHERE :all_prefixes OR c.is_wanted
),

visit AS (
    SELECT
        p.*,
        IFF(p.visit_start_time IS NOT NULL AND p.visit_end_time IS NOT NULL, p.visit_start_time, p.sch_start_time)
            AS start_time,
        IFF(p.visit_start_time IS NOT NULL AND p.visit_end_time IS NOT NULL, p.visit_end_time, p.sch_end_time)
            AS end_time,
        CASE
            WHEN UPPER(p.visit_status) IN ('CANCELLED', 'CANCELED', 'DELETED', 'PENDING') THEN 'inactive_status'
            WHEN p.is_deleted THEN 'deleted'
            WHEN p.is_missed THEN 'missed'
            WHEN p.visit_date < :first_date::DATE OR p.visit_date > :last_date::DATE THEN 'out_of_window'
        END AS why_inactive,
        CASE
            WHEN a.provider_id IS NULL THEN 'unknown_agency'
            WHEN NOT a.is_active THEN 'inactive_agency'
            WHEN a.is_excluded THEN 'excluded_agency'
            WHEN p.is_excluded_ssn THEN 'excluded_ssn'
        END AS why_not_counted,
        CASE
            WHEN p.ssn IS NULL THEN 'missing_ssn'
            WHEN p.ssn_prefix IS NULL THEN 'invalid_ssn'
            WHEN p.visit_id IS NULL OR p.provider_id IS NULL OR p.visit_date IS NULL THEN 'missing_key'
            WHEN start_time IS NULL OR end_time IS NULL THEN 'no_times'
            WHEN end_time <= start_time THEN 'empty_interval'
        END AS fault,
        COALESCE(why_inactive, why_not_counted, fault) AS own_outcome,
        -- A crowd on one date is one whatever the state of its agencies, and whoever is excluded.
        why_inactive IS NULL AND fault IS NULL AS is_in_crowd,
        HASH(p.fact_hash, p.caregiver_hash, a.agency_hash) AS visit_hash
    FROM placed AS p
    LEFT JOIN agency AS a ON a.provider_id = p.provider_id
)
