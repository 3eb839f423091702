"""A process that takes a domain of a site to its head, for tests that kill it.

`ESPALIER_FAILPOINT` arms it to die where it says.
"""

from migrations import runner
from orchestration.settings import Domain, load_settings
from tests.conftest import Site
from tests.faults.forked import forked

_PATIENCE_S = 60


def run_migration(site: Site, domain: Domain, failpoint: str) -> int:
    """Migrate in a process of its own; give its exit code."""
    environment = {
        "DATABASE_URL": site.settings.url("jobs"),
        "DIRECT_DATABASE_URL": site.settings.url("migrator"),
        "ESPALIER_HOME": str(site.settings.home),
        "ESPALIER_FAILPOINT": failpoint,
    }
    environment[f"ESPALIER_{domain.upper()}_SCHEMA"] = site.settings.schema_of(domain)
    if site.settings.lms.tenant_isolation is not None:
        environment["ESPALIER_LMS__TENANT_ISOLATION"] = str(site.settings.lms.tenant_isolation)
    with forked(environment, migrate, domain) as process:
        return process.wait(_PATIENCE_S)


def migrate(domain: Domain) -> None:
    """Take the domain to its head."""
    runner.migrate(load_settings(), domain)
