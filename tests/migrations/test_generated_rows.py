"""Up, down, up for every revision of every history, with rows that hypothesis draws for the tables of that moment.

`round_trips.py` says what is compared. GENERATED_ROWS_EXAMPLES asks for more examples a revision.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import get_args

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from migrations.connection import Target, connect
from migrations.locks import sole_migrator
from migrations.metadata import METADATA
from migrations.report import MigrationReport
from migrations.revisions import Direction, Revision, history
from migrations.runner import Run, explained, migrate, nobody
from orchestration.settings import Domain, LmsPolicy
from tests.conftest import Connection, Site
from tests.generated_rows import Tally
from tests.migrations.round_trips import Take, Trip
from tests.migrations.site_state import columns, hashes
from tests.migrations.switching import let_days_pass, switched, take

DOMAINS: tuple[Domain, ...] = get_args(Domain)
# Examples a revision.
EXAMPLES = int(os.environ.get("GENERATED_ROWS_EXAMPLES", "1"))
# Where tables are few and steps are quick, and where rows without a parent matter.
MORE_EXAMPLES = {"rag": 4, "lms": 2, "community_0014": 4, "community_0016": 4}
RARE = {"null", "empty", "quote", "unicode", "bound", "default", "clock change", "null inside", "repeated"}
DISAGREEING = """
    SELECT id FROM {} AS p
    FULL JOIN (SELECT * FROM xp_ledger WHERE metadata ->> 'source' IS DISTINCT FROM 'user_stats') AS x USING (id)
    WHERE (p."userId", p.points, coalesce(p.description, ''), p."createdAt")
        IS DISTINCT FROM (x."userId", x."finalXP", coalesce(x.reason, ''), x."createdAt")
"""
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session"),
]


@contextmanager
def trip(site: Site, domain: Domain, line: str, take: Take) -> Generator[Trip]:
    """Set out on a history of a domain, and tell afterwards what was met.

    Rows come from the superuser, from whom no policy hides any, and who can write some as of before a key.
    """
    url = site.server.url("migrator", site.database)
    with site.connect(domain, "bootstrap") as connection, psycopg.connect(url, autocommit=True) as driver:
        on_the_way = Trip(site, domain, line, connection, driver, take)
        yield on_the_way
    print(f"\n{line} on Postgres {site.server.major}", *on_the_way.tally.lines(), sep="\n  ")


def saw_everything(tally: Tally, domain: str, *, rare: set[str]) -> None:
    """See that no table stayed empty, and that what is rare was there."""
    assert set(METADATA[domain].tables) <= set(tally.rows)
    assert rare <= set(tally.kinds), rare - set(tally.kinds)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_revision_goes_up_down_and_up_with_generated_rows(site: Site, domain: Domain):
    def step(_: Revision, direction: Direction) -> MigrationReport:
        return migrate(site.settings, domain, "+1" if direction == "up" else "-1", yes_delete_data=True)

    migrate(site.settings, domain, "base")
    with trip(site, domain, domain, step) as way:
        for revision in history(domain):
            way.over(revision, EXAMPLES * MORE_EXAMPLES.get(revision.id, MORE_EXAMPLES.get(domain, 1)))
    saw_everything(way.tally, domain, rare=RARE | {"orphan", "unproved orphan"})


def test_tenants_are_isolated_and_no_longer_table_by_table_with_generated_rows(site: Site):
    def isolate(revision: Revision, direction: Direction) -> None:
        url = site.settings.url("migrator")
        with explained("lms"), connect(url) as database, sole_migrator(database, url, patience=10):
            run = Run(site.settings, "lms", database, True, nobody, 10)
            run.take(Target("lms_tenants", "lms", "extensions"), revision, direction)

    with_tenants(site, isolated=True)
    with_tenants(site, isolated=False)
    with trip(site, "lms", "lms_tenants", isolate) as way:
        for revision in history("lms_tenants"):
            way.over(revision, EXAMPLES)
        everything = way.look()
    saw_everything(way.tally, "lms", rare=RARE)
    assert not with_tenants(site, isolated=True).changed
    with_tenants(site, isolated=False)
    with site.connect("lms") as connection:
        assert hashes(connection, columns(connection)) == everything.rows


def with_tenants(site: Site, *, isolated: bool) -> MigrationReport:
    policy = LmsPolicy(tenant_isolation=isolated)
    return migrate(site.settings.model_copy(update={"lms": policy}), "lms")


def test_the_contract_is_taken_and_taken_back_with_generated_rows(site: Site):
    """Both ledgers say the same after each step, and the mirror keeps nobody from writing."""

    def take_contract(revision: Revision, direction: Direction) -> MigrationReport:
        let_days_pass(way.connection)
        return take(site, revision.id if direction == "up" else revision.previous or "base")

    switched(site)
    take(site, "base")
    with trip(site, "community", "community_contract", take_contract) as way:
        way.apart, way.see = frozenset({"points_ledger", "points_ledger_retired"}), ledgers_agree
        for revision in history("community_contract"):
            way.over(revision, 4 * EXAMPLES)
    saw_everything(way.tally, "community", rare=RARE)
    assert not [why for why in way.tally.refused if why.startswith("xp_ledger: points_ledger")]


def ledgers_agree(connection: Connection) -> None:
    """See that after each step both ledgers say the same; by Postgres, as Python has no end of time."""
    old = "points_ledger" if "points_ledger" in columns(connection) else "points_ledger_retired"
    assert connection.execute(SQL(DISAGREEING).format(Identifier(old))).fetchall() == []
