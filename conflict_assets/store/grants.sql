-- The rights of the two roles, on the tables and views as they are now; run after roles.sql, may be repeated.
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO conflicts_writer', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO conflicts_reader', current_database());
    -- The default from PostgreSQL 15 on; a store of its own needs nobody else to make tables in it.
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO conflicts_writer, conflicts_reader', current_schema());
END
$$;

-- The writer: what a run writes, what users edit. It never deletes a conflict, a visit or an event.
GRANT SELECT, INSERT, UPDATE ON visit_conflicts, conflict_visits, prefix_runs, conflict_decisions
    TO conflicts_writer;
GRANT SELECT, INSERT ON conflict_history TO conflicts_writer;
GRANT SELECT, INSERT, DELETE ON rejected_visits TO conflicts_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON excluded_agencies, excluded_ssns, speed_bands TO conflicts_writer;
GRANT SELECT ON conflict_store, conflict_store_version, conflict_states, conflict_sides, conflict_visit_maps,
    open_conflicts, conflict_summary TO conflicts_writer;

-- The reader: masked views, no table, and no view with full SSNs.
GRANT SELECT ON conflict_visit_maps, open_conflicts, conflict_summary TO conflicts_reader;
