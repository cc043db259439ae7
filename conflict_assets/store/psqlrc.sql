-- What psql does first on a store: `\d` sorts by schema and name, and the tables would come before the views. So each
-- view gets a temporary one of the same name before it: its schema, pg_temp_N, sorts before "public" and is looked
-- into first. Where the server lets nobody make one (a standby, a right that lacks), the views stay where they are.
\set our_quiet :QUIET
\set our_echo :ECHO
\set QUIET on
\set ECHO none
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid, n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind = 'v' AND pg_table_is_visible(c.oid) AND has_table_privilege(c.oid, 'SELECT')
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    LOOP
        EXECUTE format('CREATE TEMPORARY VIEW %I AS SELECT * FROM %I.%I', found.relname, found.nspname, found.relname);
        EXECUTE format('COMMENT ON VIEW pg_temp.%I IS %L', found.relname, obj_description(found.oid, 'pg_class'));
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    NULL;
END $$;
\set QUIET :our_quiet
\set ECHO :our_echo
\unset our_quiet
\unset our_echo
\getenv their_psqlrc CONFLICT_ASSETS_PSQLRC
\if :{?their_psqlrc}
    \i :their_psqlrc
\endif
