CREATE TABLE open_conflict_columns (
    ssn_prefix text PRIMARY KEY,
    digest text NOT NULL,
    rows integer NOT NULL,
    arrow bytea NOT NULL
);
-- They are compressed already.
ALTER TABLE open_conflict_columns ALTER COLUMN arrow SET STORAGE EXTERNAL;
COMMENT ON TABLE open_conflict_columns IS
    'What the report reads of the conflicts that the last commit of each prefix found, as columns. Written by runs only.';
COMMENT ON COLUMN open_conflict_columns.ssn_prefix IS 'First digits of the SSN';
COMMENT ON COLUMN open_conflict_columns.digest IS 'prefix_runs.digest of the commit';
COMMENT ON COLUMN open_conflict_columns.rows IS 'Conflict rows, two for each conflict';
COMMENT ON COLUMN open_conflict_columns.arrow IS
    'The rows as an Arrow stream. Caregivers and visits are numbers, and no full SSN is in it.';
