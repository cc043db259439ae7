"""The frame of visits: its column names and their types.

They are the product's own, from the source to the store.
"""

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")

VISIT_SCHEMA = pa.schema(
    [
        ("visit_id", pa.string()),
        ("app_visit_id", pa.string()),
        ("ssn", pa.string()),
        ("visit_date", pa.date32()),
        ("visit_status", pa.string()),
        ("sch_start_time", INSTANT),
        ("sch_end_time", INSTANT),
        ("visit_start_time", INSTANT),
        ("visit_end_time", INSTANT),
        ("evv_start_time", INSTANT),
        ("evv_end_time", INSTANT),
        ("evv_type", pa.string()),
        ("is_missed", pa.bool_()),
        ("missed_visit_reason", pa.string()),
        ("provider_id", pa.string()),
        ("app_provider_id", pa.string()),
        ("provider_name", pa.string()),
        ("agency_phone", pa.string()),
        ("federal_tax_number", pa.string()),
        ("provider_state", pa.string()),
        ("office_id", pa.string()),
        ("office", pa.string()),
        ("caregiver_id", pa.string()),
        ("app_caregiver_id", pa.string()),
        ("aide_code", pa.string()),
        ("aide_name", pa.string()),
        ("aide_first_name", pa.string()),
        ("aide_last_name", pa.string()),
        ("aide_status", pa.string()),
        ("patient_id", pa.string()),
        ("p_admission_id", pa.string()),
        ("p_first_name", pa.string()),
        ("p_last_name", pa.string()),
        ("p_medicaid_number", pa.string()),
        ("p_status", pa.string()),
        ("p_address_line_1", pa.string()),
        ("p_city", pa.string()),
        ("p_state", pa.string()),
        ("p_zip_code", pa.string()),
        ("p_county", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("payer_id", pa.string()),
        ("contract", pa.string()),
        ("payer_state", pa.string()),
        ("contract_type", pa.string()),
        ("service_code_id", pa.string()),
        ("service_code", pa.string()),
        ("rate_type", pa.string()),
        ("billed", pa.bool_()),
        ("billed_date", pa.date32()),
        ("billed_hours", pa.float64()),
        ("billed_rate", pa.float64()),
        ("bill_rate_non_billed", pa.float64()),
        ("rate", pa.float64()),
        ("total_billed_amount", pa.float64()),
        ("last_updated_date", INSTANT),
        ("last_updated_by", pa.string()),
    ]
)
"""Every column of a visit, as SQL emits it, and as Parquet and `conflict_visits` store it."""

REQUIRED_COLUMNS = (
    "visit_id",
    "ssn",
    "provider_id",
    "visit_date",
    "sch_start_time",
    "sch_end_time",
    "visit_start_time",
    "visit_end_time",
)
"""The columns without which no conflict can be judged; any other may be absent."""
