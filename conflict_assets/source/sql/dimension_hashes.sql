-- What the dimensions say that only shows in a visit, by the hash of their keys: how many rows, and the sum of their hashes.
-- Caregivers and agencies are not here, since the hash of each visit holds what they say.
SELECT
    'office' AS kind,
    BITAND(HASH(TRIM("Office Id")), :key_mask)::INTEGER AS key_bucket,
    COUNT(*) AS row_count,
    MOD(MOD(SUM(HASH(TRIM("Office Id"), "Is Active", "Office Name")), :modulus) + :modulus, :modulus)::BIGINT AS hash_sum
FROM DIMOFFICE
GROUP BY key_bucket

UNION ALL

SELECT
    'patient' AS kind,
    BITAND(HASH(TRIM("Patient Id")), :key_mask)::INTEGER AS key_bucket,
    COUNT(*) AS row_count,
    MOD(
        MOD(
            SUM(HASH(
            TRIM("Patient Id"),
            "Admission Id",
            "Patient Firstname",
            "Patient Lastname",
            "Medicaid Number",
            "Status"
            )),
            :modulus
        ) + :modulus,
        :modulus
    )::BIGINT AS hash_sum
FROM DIMPATIENT
GROUP BY key_bucket

UNION ALL

SELECT
    'address' AS kind,
    BITAND(HASH(TRIM("Patient Id")), :key_mask)::INTEGER AS key_bucket,
    COUNT(*) AS row_count,
    MOD(
        MOD(
            SUM(HASH(
            TRIM("Patient Id"),
            "Application Created UTC Timestamp",
            "Primary Address",
            "Address Type",
            "Address Line 1",
            "City",
            "Address State",
            "Zip Code",
            "County",
            "Latitude",
            "Longitude"
            )),
            :modulus
        ) + :modulus,
        :modulus
    )::BIGINT AS hash_sum
FROM DIMPATIENTADDRESS
GROUP BY key_bucket

UNION ALL

SELECT
    'payer' AS kind,
    BITAND(HASH(TRIM("Payer Id")), :key_mask)::INTEGER AS key_bucket,
    COUNT(*) AS row_count,
    MOD(MOD(SUM(HASH(TRIM("Payer Id"), "Is Active", "Is Demo", "Payer Name", "Payer State")), :modulus) + :modulus, :modulus)::BIGINT AS hash_sum
FROM DIMPAYER
GROUP BY key_bucket

UNION ALL

SELECT
    'contract' AS kind,
    BITAND(HASH(TRIM("Contract Id")), :key_mask)::INTEGER AS key_bucket,
    COUNT(*) AS row_count,
    MOD(MOD(SUM(HASH(TRIM("Contract Id"), "Is Active", "Contract Name")), :modulus) + :modulus, :modulus)::BIGINT AS hash_sum
FROM DIMCONTRACT
GROUP BY key_bucket

UNION ALL

SELECT
    'service' AS kind,
    BITAND(HASH(TRIM("Service Code Id")), :key_mask)::INTEGER AS key_bucket,
    COUNT(*) AS row_count,
    MOD(MOD(SUM(HASH(TRIM("Service Code Id"), "Service Code")), :modulus) + :modulus, :modulus)::BIGINT AS hash_sum
FROM DIMSERVICECODE
GROUP BY key_bucket

UNION ALL

SELECT
    'person' AS kind,
    BITAND(HASH(TRIM("User Id")), :key_mask)::INTEGER AS key_bucket,
    COUNT(*) AS row_count,
    MOD(MOD(SUM(HASH(TRIM("User Id"), "User Fullname")), :modulus) + :modulus, :modulus)::BIGINT AS hash_sum
FROM DIMUSER
GROUP BY key_bucket
