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

-- The writer: what a run writes, what users edit. It never deletes a conflict, a visit or an event; events, decisions
-- and policies are only ever appended to.
GRANT SELECT, INSERT, UPDATE ON visit_conflicts, conflict_visits, prefix_runs, open_conflict_columns
    TO conflicts_writer;
GRANT SELECT, INSERT ON conflict_history, conflict_decisions, detection_policies TO conflicts_writer;
-- Earlier releases let it.
REVOKE UPDATE ON conflict_decisions FROM conflicts_writer;
GRANT SELECT, INSERT, DELETE ON rejected_visits TO conflicts_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON excluded_agencies, excluded_ssns, speed_bands TO conflicts_writer;
GRANT SELECT ON conflict_store, conflict_store_version, conflict_states, all_conflict_states, conflict_sides,
    conflict_visit_maps, open_conflicts, conflict_summary, judged_visits, judged_facts, conflict_events,
    holding_decisions, decision_log TO conflicts_writer;

-- The reader: masked views, no table, and no view with full SSNs.
GRANT SELECT ON conflict_visit_maps, open_conflicts, conflict_summary, conflict_events, decision_log
    TO conflicts_reader;
