"""The one place where everything is put together. Nothing connects here: the daemon imports this again and again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from assets import community, platform, rag
from assets.sources import observed_sources
from orchestration import jobs
from orchestration.resources import Postgres
from orchestration.schedules import nightly_schedule
from orchestration.sensors import run_failure_webhook
from orchestration.settings import Domain, Settings, load_settings


@dataclass(frozen=True)
class _Parts:
    """What a domain has: its assets, and the revision at which its tables can be observed."""

    assets: Sequence[dg.AssetsDefinition]
    baseline: str


PARTS: Mapping[Domain, _Parts] = {
    "community": _Parts(community.ASSETS, "community_0000"),
    "rag": _Parts(rag.ASSETS, "rag_0001"),
}


def build_definitions(settings: Settings | None = None, postgres: Postgres | None = None) -> dg.Definitions:
    """Put together what the enabled domains have; a test hands in its own Postgres."""
    settings = settings or load_settings()
    parts: dict[Domain, _Parts] = {domain: PARTS[domain] for domain in settings.domains}
    sources = {d: observed_sources(d, p.baseline, p.assets) for d, p in parts.items()}
    nightly: dict[Domain, jobs.AssetJob] = {domain: jobs.nightly(domain) for domain in parts}
    nightly_platform = jobs.nightly_platform(_checks_of_their_own(parts.values()))
    observe = jobs.observe_sources([key for asset in sources.values() for key in asset.keys])
    return dg.Definitions(
        assets=[
            *(platform.schema_asset(d) for d in parts),
            *sources.values(),
            *(a for p in parts.values() for a in p.assets),
        ],
        jobs=[nightly_platform, observe, *nightly.values()],
        schedules=[
            nightly_schedule(nightly_platform, settings.schedules.nightly_platform, None),
            nightly_schedule(observe, settings.schedules.nightly_platform, None),
            *(_schedule(settings, domain, job) for domain, job in nightly.items()),
        ],
        sensors=[run_failure_webhook],
        resources={"postgres": dg.ResourceDefinition.hardcoded_resource(postgres or Postgres())},
        executor=dg.in_process_executor,
    )


def _checks_of_their_own(parts: Iterable[_Parts]) -> list[dg.AssetCheckKey]:
    """List the checks that are no part of an asset's run, such as whether yesterday's partition is there."""
    assets = (asset for part in parts for asset in part.assets)
    return [key for asset in assets if isinstance(asset, dg.AssetChecksDefinition) for key in asset.check_keys]


def _schedule(settings: Settings, domain: Domain, job: jobs.AssetJob) -> dg.ScheduleDefinition:
    policy = {"community": settings.community, "rag": settings.rag}[domain]
    when = {"community": settings.schedules.nightly_community, "rag": settings.schedules.nightly_rag}[domain]
    return nightly_schedule(job, when, policy.zone, policy.late_days)


@dg.definitions
def defs() -> dg.Definitions:
    """Give Dagster the definitions of this site."""
    return build_definitions()
