-- What a visit shows of its patient, as it is shown: a change of any of it makes another row.
patient.p_admission_id,
patient.p_first_name,
patient.p_last_name,
patient.p_medicaid_number,
patient.p_status,
address.p_address_line_1,
address.p_city,
address.p_state,
address.p_zip_code,
address.p_county
