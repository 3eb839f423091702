"""The script of `--sql` does what the runner does, and needs no server to be written."""

import pytest

from migrations import runner
from orchestration.errors import EspalierError
from orchestration.settings import DOMAINS, Domain, Settings
from tests.conftest import Site
from tests.migrations.site_state import applied, run_script, schema_dump

every_domain = pytest.mark.parametrize("domain", DOMAINS)


def without_rights(site: Site, domain: Domain) -> str:
    return schema_dump(site, "--no-privileges", f"--schema={domain}", "--schema=espalier")


@every_domain
def test_the_script_gives_the_schema_that_the_runner_gives(empty_site: Site, domain: Domain):
    script = runner.offline_sql(empty_site.settings, domain)
    run_script(empty_site, script)
    by_hand = without_rights(empty_site, domain)
    assert applied(empty_site, domain) == runner.head(domain)
    assert script.startswith(f"-- {domain}: base to {runner.head(domain)}\n")
    run_script(empty_site, runner.offline_sql(empty_site.settings, domain, "base"))
    assert applied(empty_site, domain) is None
    with empty_site.connect(None) as connection:
        connection.execute("DROP SCHEMA espalier CASCADE")
    runner.migrate(empty_site.settings, domain)
    assert without_rights(empty_site, domain) == by_hand


@every_domain
def test_a_site_migrated_by_hand_is_at_its_head_for_the_runner(empty_site: Site, domain: Domain):
    run_script(empty_site, runner.offline_sql(empty_site.settings, domain))
    report = runner.migrate(empty_site.settings, domain)
    assert report.steps == []
    assert report.grants


def test_a_range_may_be_given():
    script = runner.offline_sql(Settings(), "community", "0003:0001")
    assert "DROP TABLE moderation_logs" in script
    assert "DROP TABLE abuse_flags" in script
    assert "DROP TABLE trust_scores" not in script
    assert "CREATE SCHEMA" not in script


def test_indexes_are_built_outside_transactions_and_without_time_outs():
    script = runner.offline_sql(Settings(), "community", "0011:0012")
    parts = [line for line in script.splitlines() if line.startswith(("BEGIN", "COMMIT", "SET", "CREATE", "UPDATE"))]
    first = parts.index("COMMIT;")
    assert parts[first : first + 4] == [
        "COMMIT;",
        "SET lock_timeout = 0;",
        "SET statement_timeout = 0;",
        "CREATE INDEX CONCURRENTLY concepts_domain_idx ON concepts USING btree (domain);",
    ]


def test_an_unknown_revision_is_refused_with_the_known_ones():
    with pytest.raises(EspalierError, match=r"community: no revision '99'; known are base, community_0000, .* head"):
        runner.offline_sql(Settings(), "community", "99")
