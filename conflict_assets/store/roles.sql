-- The two roles of the store. Run by its owner, who must be allowed to create roles; may be repeated.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'conflicts_writer') THEN
        CREATE ROLE conflicts_writer NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'conflicts_reader') THEN
        CREATE ROLE conflicts_reader NOLOGIN;
    END IF;
EXCEPTION
    -- Somebody else makes them in this moment; roles belong to the whole server.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
