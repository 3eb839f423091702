"""What Dagster is given: a snapshot of it, what every asset declares, and that loading it connects to nothing.

A change that is meant renews the snapshot: `.venv/bin/python -m tests.integration.test_definitions`.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.cli.run_commands import jobs_named
from orchestration.definitions import PARTS, build_definitions
from orchestration.settings import DOMAINS, PROJECT, Domain, load_settings

SNAPSHOT = Path(__file__).with_name("definitions.json")
RENEW = "if this is meant: .venv/bin/python -m tests.integration.test_definitions"
LOAD = """
import json, sys
from orchestration.definitions import defs
graph = defs().resolve_asset_graph()
json.dump(sorted(key.to_user_string() for key in graph.materializable_asset_keys), sys.stdout)
"""


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """The definitions with every domain and the policy of `espalier.toml`."""
    return build_definitions(load_settings())


def snapshot(definitions: dg.Definitions) -> dict[str, Any]:
    """Describe what there is, by name."""
    repository = definitions.get_repository_def()
    schedules = {s.name: f"{s.cron_schedule} {s.execution_timezone}" for s in repository.schedule_defs}
    graph = repository.asset_graph
    return {
        "assets": sorted(key.to_user_string() for key in graph.materializable_asset_keys),
        "application tables": sorted(key.to_user_string() for key in graph.external_asset_keys),
        "checks": {
            f"{key.asset_key.to_user_string()}:{key.name}": "blocking" if graph.get_check_spec(key).blocking else "told"
            for key in sorted(graph.asset_check_keys, key=str)
        },
        "jobs": {name: _assets(repository.get_job(name)) for name in sorted(_named_jobs(repository))},
        "schedules": dict(sorted(schedules.items())),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    }


def _named_jobs(repository: dg.RepositoryDefinition) -> Iterator[str]:
    return (name for name in repository.job_names if not name.startswith("__"))


def _assets(job: dg.JobDefinition) -> list[str]:
    return sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)


def test_the_definitions_are_those_of_the_snapshot(definitions: dg.Definitions) -> None:
    assert snapshot(definitions) == json.loads(SNAPSHOT.read_text()), RENEW


def computed(definitions: dg.Definitions) -> list[tuple[dg.AssetsDefinition, dg.AssetSpec]]:
    """Give each asset that is materialized, with its declaration."""
    assets = definitions.resolve_asset_graph().assets_defs
    return [(asset, spec) for asset in assets if asset.is_materializable for spec in asset.specs]


def test_every_asset_tells_what_it_is_and_whose(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.owners, spec.key
        assert spec.description, spec.key
        assert spec.group_name not in (None, "default"), spec.key
        assert spec.kinds, spec.key


def test_every_asset_that_is_computed_has_the_version_of_its_code(definitions: dg.Definitions) -> None:
    assert {spec.key for _, spec in computed(definitions) if not spec.code_version} == set()


def test_every_asset_of_a_domain_names_its_table_and_columns(definitions: dg.Definitions) -> None:
    schemas = {domain: load_settings().schema_of(domain) for domain in DOMAINS}
    for spec in definitions.resolve_all_asset_specs():
        domain = spec.key.path[0]
        if domain in schemas:
            assert spec.metadata["dagster/table_name"].split(".")[0] == schemas[domain], spec.key
            assert spec.metadata["dagster/column_schema"].columns, spec.key


def test_every_asset_that_writes_a_table_has_a_pool_and_a_freshness_policy(definitions: dg.Definitions) -> None:
    writing = [(asset, spec) for asset, spec in computed(definitions) if spec.key.path[0] in DOMAINS]
    assert len(writing) >= 8
    for asset, spec in writing:
        assert asset.op.pool, spec.key
        assert spec.freshness_policy, spec.key
        assert spec.partitions_def is None or asset.backfill_policy == dg.BackfillPolicy.single_run(), spec.key


def test_no_job_but_its_own_depends_on_the_graph(definitions: dg.Definitions) -> None:
    """Where there is no Neo4j, everything else runs."""
    jobs = snapshot(definitions)["jobs"]
    with_graph = {name for name, assets in jobs.items() if any(asset.startswith("graph/") for asset in assets)}
    assert with_graph == {"nightly_graph"}
    assert all(asset.startswith("graph/") for asset in jobs["nightly_graph"])


def test_every_check_tells_what_it_proves(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert {key for key in graph.asset_check_keys if not graph.get_check_spec(key).description} == set()


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_site_with_one_domain_has_nothing_of_the_others(domain: Domain) -> None:
    names = snapshot(build_definitions(load_settings(domains=(domain,))))
    graph = {"graph"} if domain == "community" else set[str]()
    own = {domain} if PARTS[domain].assets else set[str]()
    assert {name.split("/")[0] for name in names["assets"]} == {"platform"} | own | graph
    of_graph = {"nightly_graph", "graph_drain"} if graph else set[str]()
    of_domain = {f"nightly_{domain}", "observe_sources"} if own else set[str]()
    assert names["jobs"].keys() == {"nightly_platform"} | of_domain | of_graph
    assert set(jobs_named(load_settings(domains=(domain,)), None)) == set(names["jobs"]) - {
        "observe_sources",
        "graph_drain",
    }
    assert f"platform/{domain}_schema:required_objects_present_and_equal" in names["checks"]
    assert ("outbox_lag_sensor" in names["sensors"]) == bool(graph)


@pytest.mark.parametrize("domains", ["community,rag", "rag"])
def test_they_load_in_a_fresh_interpreter_without_a_connection(domains: str, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        environment = {
            "PATH": os.environ["PATH"],
            "ESPALIER_DOMAINS": domains,
            "ESPALIER_HOME": str(tmp_path / "none"),
            "DATABASE_URL": f"postgresql://nobody:nothing@127.0.0.1:{listener.getsockname()[1]}/nothing",
        }
        loaded = subprocess.run(
            [sys.executable, "-c", LOAD], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    graph = {"graph"} if "community" in domains else set[str]()
    assert {name.split("/")[0] for name in json.loads(loaded.stdout)} == {*domains.split(","), "platform"} | graph
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(snapshot(build_definitions(load_settings())), indent=2) + "\n")
    print(f"wrote {SNAPSHOT.relative_to(PROJECT)}")
