-- Keep as many rows of the last chunk as are still wanted, and the persons that they belong to.
CREATE OR REPLACE TEMP TABLE shifts AS
SELECT * FROM shifts QUALIFY row_number() OVER (ORDER BY visit_number, age) <= getvariable('room');

CREATE OR REPLACE TEMP TABLE persons AS
SELECT * FROM persons WHERE person IN (SELECT person FROM shifts);
