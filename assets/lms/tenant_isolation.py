"""Whether organizations are kept apart in the database (seed 003, Row Level Security): a report, it writes no table.

What the catalogs say is looked up for every table with rows of an organization, ours or not, and for what could lead
around the policies; then the tables are attacked. Migrations put the policies there, not this (`docs/tenants.md`).
"""

from datetime import timedelta
from typing import Any

import dagster as dg

from assets.lms.tenant_probe import QUERIES, probe
from assets.table_asset import OWNER, RETRY, schema_key, untyped_result, verdict
from migrations.metadata.lms import metadata
from migrations.state import current
from orchestration.resources import Postgres, Session

KEY = dg.AssetKey(["lms", "tenant_isolation"])
TABLES = sorted(metadata.tables)
ON = dg.AssetCheckSpec("isolation_is_on", asset=KEY, description="The policies have been put on the tables.")
EVERY_TABLE = dg.AssetCheckSpec(
    "every_table_is_isolated",
    asset=KEY,
    description="Each table and partition with rows of an organization has row security enabled and forced, a policy "
    "for all commands with a check, no policy that shows more, and no grant of TRUNCATE.",
)
NO_WAY_AROUND = dg.AssetCheckSpec(
    "no_way_around",
    asset=KEY,
    description="No view, materialized view, function or role of the application shows rows past the policies.",
)
ATTACKS_FAIL = dg.AssetCheckSpec(
    "attacks_fail",
    asset=KEY,
    description="Reading, changing, deleting and planting rows of others reaches none, without an organization and in "
    "another one; tried in transactions that are rolled back.",
)
CHECKS = (ON, EVERY_TABLE, NO_WAY_AROUND, ATTACKS_FAIL)


@dg.asset(
    key=KEY,
    deps=[schema_key("lms"), *(dg.AssetKey(["lms", table]) for table in TABLES)],
    group_name="lms",
    owners=[OWNER],
    kinds={"postgres", "sql"},
    tags={"espalier/domain": "lms"},
    code_version=QUERIES.version,
    check_specs=CHECKS,
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
    retry_policy=RETRY,
)
@untyped_result
def tenant_isolation(postgres: dg.ResourceParam[Postgres]) -> dg.MaterializeResult[Any]:
    """Prove that no organization sees or changes what is another's: by the catalogs, then by trying.

    Where an adopted site has not asked for row security, only that is said.
    """
    with postgres.session("lms", needs="lms_0012", tables=TABLES) as session:
        with session.transaction() as tx:
            begun, site = current(tx.connection, "lms_tenants"), tx.one(QUERIES["is_adopted"])
        if not begun:
            return _off(postgres, adopted=bool(site["adopted"]))
        open_tables, tables = _open_tables(session)
        around = _ways_around(session, postgres, tables)
        role, tried, reached = probe(postgres.settings, session.path, TABLES)
    return dg.MaterializeResult(
        metadata={"tables": len(tables), "attacked_as": role, "attacks": tried},
        check_results=[
            verdict(ON, True),
            *(_listed(check, found) for check, found in zip(CHECKS[1:], (open_tables, around, reached), strict=True)),
        ],
    )


def _off(postgres: Postgres, *, adopted: bool) -> dg.MaterializeResult[Any]:
    chosen = adopted or postgres.settings.lms.tenant_isolation is False
    severity = dg.AssetCheckSeverity.WARN if chosen else dg.AssetCheckSeverity.ERROR
    why = "row security is off; ESPALIER_LMS__TENANT_ISOLATION=true and `espalier migrate --domain lms` put it there"
    off = verdict(ON, False, severity, found=dg.MetadataValue.md(why))
    return dg.MaterializeResult(check_results=[off, *(verdict(check, True, found="off") for check in CHECKS[1:])])


def _open_tables(session: Session) -> tuple[list[str], list[int]]:
    """Say what is wrong with which table, and give the numbers of all of them."""
    with session.transaction() as tx:
        rows = tx.all(QUERIES["describe_tables"], {"known": TABLES})
    wrong = [f"{row['name']}: {', '.join(problems)}" for row in rows if (problems := problems_of(row))]
    return wrong, [row["oid"] for row in rows]


def problems_of(row: dict[str, Any]) -> list[str]:
    """Say what keeps a table from being isolated."""
    found = {
        "row security is not enabled": not row["enabled"],
        "row security is not forced": not row["forced"],
        "no policy for all commands with a check": not row["for_all"],
    }
    shows_more = [f"policy {name} shows more" for name in row["others"]]
    return [text for text, holds in found.items() if holds] + shows_more + list(row["granted"])


def _ways_around(session: Session, postgres: Postgres, tables: list[int]) -> list[str]:
    roles = {"app": postgres.settings.app_role, "jobs": postgres.settings.jobs_role}
    with session.transaction() as tx:
        return [row["way"] for row in tx.all(QUERIES["find_ways_around"], {"tables": tables, **roles})]


def _listed(check: dg.AssetCheckSpec, found: list[str]) -> dg.AssetCheckResult:
    lines = "\n".join(f"- {line}" for line in found)
    return verdict(check, not found, found=dg.MetadataValue.md(lines or "none"))
