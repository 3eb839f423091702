"""What makes an isolated site leak: each weakness, what takes it back, the check and the words that must name it."""

from collections.abc import Mapping

WEAKNESSES: Mapping[str, tuple[str, str | None, tuple[str, str]]] = {
    "a policy that is gone": (
        "DROP POLICY espalier_tenants ON lms.messages",
        None,
        ("every_table_is_isolated", "messages: no policy for all commands with a check"),
    ),
    "an owner who is not bound": (
        "ALTER TABLE lms.nuggets NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE lms.nuggets FORCE ROW LEVEL SECURITY",
        ("every_table_is_isolated", "nuggets: row security is not forced"),
    ),
    "row security switched off": (
        "ALTER TABLE lms.progress DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE lms.progress ENABLE ROW LEVEL SECURITY",
        ("attacks_fail", "progress: reading"),
    ),
    "a policy of the seed": (
        "CREATE POLICY nugget_access ON lms.nuggets FOR SELECT USING (current_setting('app.user', true) IS NULL)",
        "DROP POLICY nugget_access ON lms.nuggets",
        ("every_table_is_isolated", "nuggets: policy nugget_access shows more"),
    ),
    "a new table of an organization": (
        "CREATE TABLE lms.invoices (id text PRIMARY KEY, organization_id text NOT NULL)",
        "DROP TABLE lms.invoices",
        ("every_table_is_isolated", "invoices: row security is not enabled"),
    ),
    "a new table that refers to one": (
        "CREATE TABLE public.badges (id text PRIMARY KEY, learner_id text REFERENCES lms.learners (id))",
        "DROP TABLE public.badges",
        ("every_table_is_isolated", "public.badges: row security is not enabled"),
    ),
    "a partition of a protected table": (
        """
        CREATE TABLE lms.visits (id text, organization_id text NOT NULL) PARTITION BY LIST (organization_id);
        CREATE TABLE public.visits_south PARTITION OF lms.visits FOR VALUES IN ('south');
        ALTER TABLE lms.visits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY
        """,
        "DROP TABLE lms.visits",
        ("every_table_is_isolated", "public.visits_south: row security is not enabled"),
    ),
    "TRUNCATE": (
        "GRANT TRUNCATE ON lms.messages TO espalier_app",
        "REVOKE TRUNCATE ON lms.messages FROM espalier_app",
        ("every_table_is_isolated", "messages: TRUNCATE for espalier_app"),
    ),
    "a view of a superuser": (
        "CREATE VIEW public.all_messages AS SELECT * FROM lms.messages",
        "DROP VIEW public.all_messages",
        ("no_way_around", "view public.all_messages is read with the rights of postgres"),
    ),
    "a view of a view": (
        """
        CREATE VIEW public.inner_view WITH (security_invoker) AS SELECT * FROM lms.users;
        CREATE VIEW public.outer_view AS SELECT * FROM public.inner_view
        """,
        "DROP VIEW public.outer_view, public.inner_view",
        ("no_way_around", "view public.outer_view is read with the rights of postgres"),
    ),
    "a materialized view": (
        """
        CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM lms.messages;
        GRANT SELECT ON public.kept TO espalier_app
        """,
        "DROP MATERIALIZED VIEW public.kept",
        ("no_way_around", "materialized view public.kept may be read by espalier_app"),
    ),
    "a function of a superuser": (
        "CREATE FUNCTION lms.every_user() RETURNS SETOF lms.users LANGUAGE sql SECURITY DEFINER SET search_path = ''"
        " AS $$ SELECT * FROM lms.users $$",
        "DROP FUNCTION lms.every_user()",
        ("no_way_around", "function every_user() runs with the rights of postgres"),
    ),
    "an application that owns the tables": (
        "GRANT espalier_migrator TO espalier_app",
        "REVOKE espalier_migrator FROM espalier_app",
        ("no_way_around", "role espalier_app owns"),
    ),
}
