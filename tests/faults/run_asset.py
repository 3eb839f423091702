"""A process that materializes one asset of a site, for tests that kill it or hold it up.

`ESPALIER_FAILPOINT` arms it to die where it says.
"""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import dagster as dg

from orchestration.resources import Postgres
from tests.conftest import Site
from tests.faults.forked import Forked, forked

_PATIENCE_S = 120


def run_asset(site: Site, key: str, config: dict[str, Any], failpoint: str = "") -> int:
    """Materialize an asset in a process of its own; give its exit code."""
    with running_asset(site, key, config, failpoint) as process:
        return process.wait(_PATIENCE_S)


def running_asset(site: Site, key: str, config: dict[str, Any], failpoint: str = "") -> AbstractContextManager[Forked]:
    """Have an asset materialized in a process of its own; it is killed if it still runs at the end."""
    settings = site.settings
    assert settings.database_url is not None
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ESPALIER_HOME": str(settings.home),
        "ESPALIER_FAILPOINT": failpoint,
    }
    return forked(environment, materialize, key, config)


def materialize(key: str, config: dict[str, Any]) -> None:
    """Materialize the asset once, in an instance that nobody else sees."""
    domain, table = key.split("/")
    asset = getattr(import_module(f"assets.{domain}.{table}"), table)
    dg.materialize(
        [asset],
        resources={"postgres": dg.ResourceDefinition.hardcoded_resource(Postgres())},
        run_config={"ops": {f"{domain}__{table}": {"config": config}}},
    )
