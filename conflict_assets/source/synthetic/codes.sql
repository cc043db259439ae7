-- The small dimensions: payers, contracts, service codes and users.
CREATE TABLE "BI"."DIMPAYER" AS
SELECT
    (700 + number)::VARCHAR AS "Payer Id",
    number % 9 <> 7 AS "Is Active",
    number % 10 = 9 AS "Is Demo",
    concat(
        pick(['Empire', 'Hudson', 'Metro', 'Tristate', 'Unity'], number), ' ',
        pick(['Health Plan', 'Managed Care', 'Long Term Care', 'Assurance'], number // 5)
    ) AS "Payer Name",
    CASE WHEN number % 8 = 5 THEN 'NJ' ELSE 'NY' END AS "Payer State"
FROM range(20) AS numbers(number)
ORDER BY number;

CREATE TABLE "BI"."DIMCONTRACT" AS
SELECT
    (3000 + number)::VARCHAR AS "Contract Id",
    number % 11 <> 6 AS "Is Active",
    concat('Contract ', pick(['A', 'B', 'C', 'D', 'E'], number), number) AS "Contract Name"
FROM range(40) AS numbers(number)
ORDER BY number;

CREATE TABLE "BI"."DIMSERVICECODE" AS
SELECT
    (500 + number)::VARCHAR AS "Service Code Id",
    concat(pick(['T1019', 'S5125', 'S5130', 'T1020', 'S9122'], number), CASE WHEN number >= 5 THEN concat(':U', number) END)
        AS "Service Code"
FROM range(15) AS numbers(number)
ORDER BY number;

CREATE TABLE "BI"."DIMUSER" AS
SELECT
    (9000 + number)::VARCHAR AS "User Id",
    concat(
        pick(['Alex', 'Dana', 'Jordan', 'Kim', 'Lee', 'Morgan', 'Robin', 'Sam'], roll('user', number)), ' ',
        pick(['Adler', 'Brook', 'Castro', 'Dunn', 'Ellis', 'Fox', 'Grant'], roll('user', number) >> 8), ' ', number
    ) AS "User Fullname"
FROM range(50) AS numbers(number)
ORDER BY number;
