"""A process that drains the outbox of a site, or reconciles its graph, for tests that kill it or hold it up.

`ESPALIER_FAILPOINT` arms it to die where it says.
"""

from contextlib import AbstractContextManager

from assets.graph.drain import drain
from assets.graph.reconcile import reconcile
from orchestration.graph import Graph
from orchestration.patience import Patience
from orchestration.resources import Postgres
from tests.conftest import Site
from tests.faults.forked import Forked, forked

_PATIENCE_S = 60


def run_drain(site: Site, failpoint: str = "", batch_size: int = 5) -> int:
    """Drain in a process of its own; give its exit code."""
    with running_drain(site, failpoint, batch_size) as process:
        return process.wait(_PATIENCE_S)


def running_drain(site: Site, failpoint: str = "", batch_size: int = 5) -> AbstractContextManager[Forked]:
    """Have a process drain; it is killed if it still runs at the end."""
    return forked(_environment(site, failpoint) | {"ESPALIER_GRAPH__BATCH_SIZE": str(batch_size)}, drain_once)


def run_reconciliation(site: Site, failpoint: str) -> int:
    """Reconcile in a process of its own; give its exit code."""
    with forked(_environment(site, failpoint), reconcile_once) as process:
        return process.wait(_PATIENCE_S)


def _environment(site: Site, failpoint: str) -> dict[str, str]:
    settings, address = site.settings, site.settings.neo4j()
    assert settings.database_url is not None
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "NEO4J_URI": address.uri,
        "NEO4J_USER": address.user,
        "NEO4J_PASSWORD": address.password.get_secret_value(),
        "ESPALIER_HOME": str(settings.home),
        "ESPALIER_FAILPOINT": failpoint,
    }


def drain_once() -> None:
    """Drain until the outbox is empty, giving up on a silent server soon."""
    drain(Postgres(), Graph(patience=Patience(transaction=3)), holder="the process")


def reconcile_once() -> None:
    """Repair whatever it is."""
    reconcile(Postgres(), Graph(), bound=1.0)
