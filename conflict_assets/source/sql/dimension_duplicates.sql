-- Keys of a dimension, blank ones aside, that more than one usable row carries. Addresses are not here: a patient may have many.
WITH repeated AS (
    SELECT 'DIMCAREGIVER' AS view_name, COUNT(*) AS row_count
    FROM DIMCAREGIVER WHERE TRIM("Caregiver Id") <> '' GROUP BY TRIM("Caregiver Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMPROVIDER', COUNT(*)
    FROM DIMPROVIDER WHERE TRIM("Provider Id") <> '' GROUP BY TRIM("Provider Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMOFFICE', COUNT(*)
    FROM DIMOFFICE WHERE TRIM("Office Id") <> '' AND "Is Active" GROUP BY TRIM("Office Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMPATIENT', COUNT(*)
    FROM DIMPATIENT WHERE TRIM("Patient Id") <> '' GROUP BY TRIM("Patient Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMPAYER', COUNT(*)
    FROM DIMPAYER WHERE TRIM("Payer Id") <> '' AND "Is Active" AND NOT COALESCE("Is Demo", FALSE)
    GROUP BY TRIM("Payer Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMCONTRACT', COUNT(*)
    FROM DIMCONTRACT WHERE TRIM("Contract Id") <> '' AND "Is Active" GROUP BY TRIM("Contract Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMSERVICECODE', COUNT(*)
    FROM DIMSERVICECODE WHERE "Service Code Id" IS NOT NULL GROUP BY TRIM("Service Code Id") HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'DIMUSER', COUNT(*)
    FROM DIMUSER WHERE TRIM("User Id") <> '' GROUP BY TRIM("User Id") HAVING COUNT(*) > 1
)

SELECT view_name, COUNT(*) AS repeated_keys
FROM repeated
GROUP BY view_name
ORDER BY view_name
