-- Keys of a dimension that more than one usable row carries. Addresses are not here: a patient may have many.
WITH repeated AS (
    SELECT 'DIMCAREGIVER' AS view_name, COUNT(*) AS row_count
    FROM DIMCAREGIVER WHERE "Caregiver Id" IS NOT NULL GROUP BY TRIM("Caregiver Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMPROVIDER', COUNT(*)
    FROM DIMPROVIDER WHERE "Provider Id" IS NOT NULL GROUP BY TRIM("Provider Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMOFFICE', COUNT(*)
    FROM DIMOFFICE WHERE "Office Id" IS NOT NULL AND "Is Active" GROUP BY TRIM("Office Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMPATIENT', COUNT(*)
    FROM DIMPATIENT WHERE "Patient Id" IS NOT NULL GROUP BY TRIM("Patient Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMPAYER', COUNT(*)
    FROM DIMPAYER WHERE "Payer Id" IS NOT NULL AND "Is Active" AND NOT COALESCE("Is Demo", FALSE)
    GROUP BY TRIM("Payer Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMCONTRACT', COUNT(*)
    FROM DIMCONTRACT WHERE "Contract Id" IS NOT NULL AND "Is Active" GROUP BY TRIM("Contract Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMSERVICECODE', COUNT(*)
    FROM DIMSERVICECODE WHERE "Service Code Id" IS NOT NULL GROUP BY TRIM("Service Code Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMUSER', COUNT(*)
    FROM DIMUSER WHERE "User Id" IS NOT NULL GROUP BY TRIM("User Id") HAVING COUNT(*) > 1
)

SELECT view_name, COUNT(*) AS repeated_keys
FROM repeated
GROUP BY view_name
ORDER BY view_name
