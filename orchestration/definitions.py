"""The one place where everything is put together. Nothing connects here: the daemon imports this again and again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from assets import behavior, community, lms, platform, rag
from assets.graph import elements
from assets.sources import observed_sources
from orchestration import jobs
from orchestration.application_sensor import application_migrations_sensor
from orchestration.graph import Graph
from orchestration.outbox_sensor import outbox_lag_sensor
from orchestration.resources import Postgres
from orchestration.schedules import nightly_schedule
from orchestration.sensors import run_failure_webhook
from orchestration.settings import Domain, Settings, load_settings


@dataclass(frozen=True)
class _Parts:
    """What a domain has: the revision at which it can be observed, its assets, those of the graph it is shown in."""

    baseline: str
    assets: Sequence[dg.AssetsDefinition] = ()
    graph: Sequence[dg.AssetsDefinition] = ()


PARTS: Mapping[Domain, _Parts] = {
    "behavior": _Parts("behavior_0000", behavior.ASSETS),
    "community": _Parts("community_0000", community.ASSETS, elements.ASSETS),
    "lms": _Parts("lms_0000", lms.ASSETS),
    "rag": _Parts("rag_0001", rag.ASSETS),
}

_SENSORS = (run_failure_webhook, application_migrations_sensor)


def build_definitions(
    settings: Settings | None = None, postgres: Postgres | None = None, graph: Graph | None = None
) -> dg.Definitions:
    """Put together what the enabled domains have; a test hands in its own Postgres and Neo4j."""
    settings = settings or load_settings()
    parts: dict[Domain, _Parts] = {domain: PARTS[domain] for domain in settings.domains}
    computing: dict[Domain, _Parts] = {domain: PARTS[domain] for domain in settings.nightly_domains}
    sources = {d: observed_sources(d, p.baseline, [*p.assets, *p.graph]) for d, p in computing.items()}
    nightly: dict[Domain, jobs.AssetJob] = {domain: jobs.nightly(domain) for domain in computing}
    nightly_platform = jobs.nightly_platform(_checks_of_their_own(parts.values()))
    nightly_graph = [jobs.nightly_graph()] if any(p.graph for p in parts.values()) else []
    observe = [jobs.observe_sources([key for asset in sources.values() for key in asset.keys])] if sources else []
    return dg.Definitions(
        assets=[
            *(platform.schema_asset(d) for d in parts),
            platform.grants,
            *sources.values(),
            *(a for p in parts.values() for a in (*p.assets, *p.graph)),
        ],
        jobs=[
            nightly_platform,
            *observe,
            *nightly.values(),
            *nightly_graph,
            *([jobs.graph_drain] if nightly_graph else []),
        ],
        schedules=[
            nightly_schedule(nightly_platform, settings.schedules.nightly_platform, None),
            *(nightly_schedule(job, settings.schedules.nightly_platform, None) for job in observe),
            *(_schedule(settings, domain, job) for domain, job in nightly.items()),
            *(nightly_schedule(job, settings.schedules.nightly_graph, None) for job in nightly_graph),
        ],
        sensors=[*_SENSORS, *([outbox_lag_sensor] if nightly_graph else [])],
        resources={
            "postgres": dg.ResourceDefinition.hardcoded_resource(postgres or Postgres()),
            "graph": dg.ResourceDefinition.hardcoded_resource(graph or Graph()),
        },
        executor=dg.in_process_executor,
    )


def _checks_of_their_own(parts: Iterable[_Parts]) -> list[dg.AssetCheckKey]:
    """List the checks that are no part of an asset's run, such as whether yesterday's partition is there."""
    assets = (asset for part in parts for asset in part.assets)
    return [key for asset in assets if isinstance(asset, dg.AssetChecksDefinition) for key in asset.check_keys]


def _schedule(settings: Settings, domain: Domain, job: jobs.AssetJob) -> dg.ScheduleDefinition:
    when = getattr(settings.schedules, f"nightly_{domain}")
    days = {"community": settings.community, "rag": settings.rag}.get(domain)
    return nightly_schedule(job, when, days.zone, days.late_days) if days else nightly_schedule(job, when, None)


@dg.definitions
def defs() -> dg.Definitions:
    """Give Dagster the definitions of this site."""
    return build_definitions()
