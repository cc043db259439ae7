"""How the sorting twin names what is known of a visit: the columns of a row that travels."""

from typing import Any
from zoneinfo import ZoneInfo

from conflict_assets_tests.normal_twin import text, zip_code
from conflict_assets_tests.source.classification_twin_row import Dimensions, Visit, date_in, utc


def full_row(visit: Visit, look_up: Dimensions, zone: ZoneInfo) -> dict[str, Any]:
    """A visit as the product speaks of it."""
    row = visit.row
    caregiver, agency, address = visit.caregiver or {}, visit.agency or {}, visit.address or {}
    patient = look_up.patients.get(text(row.get("Provider Patient Id")) or "", {})
    payer = look_up.payers.get(text(row.get("Payer Id")) or "", {})
    contract = look_up.contracts.get(text(row.get("Contract Id")) or "", {})
    billed = (text(row.get("Billed")) or "").lower() == "yes"
    point = next((candidate.point for candidate in visit.candidates if candidate.point), (None, None))
    app_caregiver_id = row.get("Application Caregiver Id")
    return {
        "ssn_prefix": visit.prefix,
        "outcome": str(visit.outcome),
        "visit_id": visit.visit_id,
        "app_visit_id": text(row.get("Application Visit Id")),
        "ssn": visit.ssn,
        "visit_date": visit.visit_date,
        "visit_status": visit.status,
        "sch_start_time": visit.scheduled[0],
        "sch_end_time": visit.scheduled[1],
        "visit_start_time": visit.actual[0],
        "visit_end_time": visit.actual[1],
        "evv_start_time": utc(row.get("Call In Time")),
        "evv_end_time": utc(row.get("Call Out Time")),
        "evv_type": text(row.get("Call Out Device Type")),
        "is_missed": bool(row.get("Is Missed")),
        "missed_visit_reason": text(row.get("Missed Visit Reason")),
        "provider_id": visit.provider_id,
        "app_provider_id": text(row.get("Application Provider Id")),
        "provider_name": text(agency.get("Provider Name")),
        "agency_phone": text(agency.get("Phone Number 1")),
        "federal_tax_number": text(agency.get("Federal Tax Number")),
        "provider_state": text(agency.get("Address State")),
        "office_id": text(row.get("Office Id")),
        "office": text(look_up.offices.get(text(row.get("Office Id")) or "", {}).get("Office Name")),
        "caregiver_id": text(row.get("Caregiver Id")),
        "app_caregiver_id": None if app_caregiver_id is None else str(app_caregiver_id),
        "aide_code": text(caregiver.get("Caregiver Code")),
        "aide_name": text(caregiver.get("Caregiver Fullname")),
        "aide_first_name": text(caregiver.get("Caregiver Firstname")),
        "aide_last_name": text(caregiver.get("Caregiver Lastname")),
        "aide_status": text(caregiver.get("Status")),
        "patient_id": text(row.get("Patient Id")),
        "p_admission_id": text(patient.get("Admission Id")),
        "p_first_name": text(patient.get("Patient Firstname")),
        "p_last_name": text(patient.get("Patient Lastname")),
        "p_medicaid_number": text(patient.get("Medicaid Number")),
        "p_status": text(patient.get("Status")),
        "p_address_line_1": text(address.get("Address Line 1")),
        "p_city": text(address.get("City")),
        "p_state": text(address.get("Address State")),
        "p_zip_code": zip_code(address.get("Zip Code")),
        "p_county": text(address.get("County")),
        "latitude": point[0],
        "longitude": point[1],
        "payer_id": text(row.get("Payer Id")),
        "contract": text(payer.get("Payer Name")) or text(contract.get("Contract Name")),
        "payer_state": text(payer.get("Payer State")),
        "contract_type": contract_type(row.get("Application Payer Id"), text(row.get("Application Contract Id"))),
        "service_code_id": text(row.get("Service Code Id")),
        "service_code": text(look_up.services.get(text(row.get("Service Code Id")) or "", {}).get("Service Code")),
        "rate_type": text(row.get("Bill Type")),
        "billed": billed,
        "billed_date": date_in(row.get("Invoice Date"), zone),
        "billed_hours": row.get("Billed Hours"),
        "billed_rate": row.get("Billed Rate"),
        "bill_rate_non_billed": row.get("Bill Rate Non-Billed"),
        "rate": row.get("Billed Rate") if billed else row.get("Bill Rate Non-Billed"),
        "total_billed_amount": row.get("Total Billed Amount"),
        "last_updated_date": utc(row.get("Visit Updated Timestamp")),
        "last_updated_by": text(
            look_up.users.get(text(row.get("Visit Updated User Id")) or "", {}).get("User Fullname")
        ),
    }


def contract_type(app_payer_id: int | None, app_contract_id: str | None) -> str | None:
    """`Internal`, `UPR` or `Payer`, by which of the two ids is 0; None when one is unknown or both are."""
    if app_payer_id is None or app_contract_id is None:
        return None
    kinds = {(True, False): "Internal", (False, False): "UPR", (False, True): "Payer"}
    return kinds.get((app_payer_id == 0, app_contract_id == "0"))
