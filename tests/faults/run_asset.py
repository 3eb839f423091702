"""A process that materializes one asset of the site in its environment, for tests that kill it.

Run as `python -m tests.faults.run_asset community/xp_ledger '{"batch_size": 10}'`; `ESPALIER_FAILPOINT` arms it to die.
"""

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import dagster as dg

from orchestration.resources import Postgres
from orchestration.settings import PROJECT
from tests.conftest import Site


def run_asset(site: Site, key: str, config: dict[str, Any], failpoint: str = "") -> int:
    """Materialize an asset in a process of its own; give its exit code."""
    settings = site.settings
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ESPALIER_HOME": str(settings.home),
        "ESPALIER_FAILPOINT": failpoint,
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.run_asset", key, json.dumps(config)]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, timeout=120).returncode


def main(key: str, config: str) -> None:
    """Materialize the asset once, in an instance that nobody else sees."""
    domain, table = key.split("/")
    asset = getattr(import_module(f"assets.{domain}.{table}"), table)
    dg.materialize(
        [asset],
        resources={"postgres": dg.ResourceDefinition.hardcoded_resource(Postgres())},
        run_config={"ops": {f"{domain}__{table}": {"config": json.loads(config)}}},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
