"""Commands that run assets: `materialize`, `backfill`, `nightly`. Each is a run that the UI shows."""

import difflib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

import dagster as dg
import typer

from orchestration.cli.graph_server import has_graph
from orchestration.cli.output import Json, err, finish
from orchestration.cli.runs import RunReport, dagster_instance, run_job
from orchestration.cli.site import serving
from orchestration.definitions import build_definitions
from orchestration.errors import EspalierError
from orchestration.resources import Postgres
from orchestration.schedules import RANGE_END, RANGE_START, nightly_tags
from orchestration.settings import Settings, load_settings

Asset = Annotated[str, typer.Argument(help="An asset, such as community/vote_graph.", show_default=False)]

GRAPH = "graph"


def materialize(
    asset: Asset,
    partition: Annotated[str | None, typer.Option(help="The day, such as 2026-03-31, of a partitioned asset.")] = None,
    as_json: Json = False,
) -> None:
    """Materialize one asset, as the UI's button does."""
    settings, definitions = this_site()
    leave([run_asset(settings, definitions, asset, partition_tags(definitions, asset, partition))], as_json)


def backfill(
    asset: Asset,
    first: Annotated[str, typer.Option("--from", help="First day, such as 2026-01-01.", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="Last day, which is included.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Materialize a range of days of a partitioned asset in a single run."""
    settings, definitions = this_site()
    leave([run_asset(settings, definitions, asset, range_tags(definitions, asset, first, last))], as_json)


def nightly(
    job: Annotated[str | None, typer.Argument(help="One nightly job; all of the site's when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Run the nightly jobs now, over the days that their schedules would ask for at this minute."""
    settings, definitions = this_site()
    names = jobs_named(settings, job)
    at = datetime.now(UTC).replace(second=0, microsecond=0)
    graph = any(of_graph(definitions.resolve_job_def(name)) for name in names)
    with serving(settings, graph=graph), dagster_instance(settings) as instance:
        # A failed job does not keep the next from running.
        reports = [
            run_job(instance, definitions.resolve_job_def(name), tags=tags_of(settings, name, at), console=err)
            for name in names
        ]
    leave(reports, as_json)


def this_site() -> tuple[Settings, dg.Definitions]:
    """Read the settings and what they define; what is asked for is looked up here before a server is started."""
    settings = load_settings()
    return settings, build_definitions(settings, Postgres(settings))


def run_asset(settings: Settings, definitions: dg.Definitions, asset: str, tags: Mapping[str, str]) -> RunReport:
    """Run one asset in the partitions that the tags name."""
    key, job = find_asset(definitions, asset), definitions.resolve_implicit_global_asset_job_def()
    with serving(settings, graph=key.path[0] == GRAPH), dagster_instance(settings) as instance:
        return run_job(instance, job, tags=tags, selection=[key], console=err)


def of_graph(job: dg.JobDefinition) -> bool:
    """Tell whether a job writes or reads the graph, so that it needs Neo4j."""
    return any(key.path[0] == GRAPH for key in job.asset_layer.executable_asset_keys)


def jobs_named(settings: Settings, name: str | None) -> list[str]:
    """List the nightly jobs of a site, or the one that is named.

    Raises:
        EspalierError: there is no such job on this site.
    """
    shown = [*settings.nightly_domains, *(["graph"] if has_graph(settings) else []), "platform"]
    known = [f"nightly_{name}" for name in shown]
    if name is not None and name not in known:
        raise EspalierError(f"no nightly job {name!r}; this site has {', '.join(known)}")
    return [name] if name else known


def tags_of(settings: Settings, job: str, at: datetime) -> dict[str, str]:
    """Give a nightly run the tags that its schedule would give it."""
    policies: Mapping[str, Any] = {"nightly_community": settings.community, "nightly_rag": settings.rag}
    policy = policies.get(job)
    return nightly_tags(at, policy.zone, policy.late_days) if policy else nightly_tags(at, None, 0)


def find_asset(definitions: dg.Definitions, name: str) -> dg.AssetKey:
    """Find an asset that can be materialized.

    Raises:
        EspalierError: there is none of that name; the nearest name is given.
    """
    graph = definitions.resolve_asset_graph()
    names = sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    if name not in names:
        if name in {key.to_user_string() for key in graph.external_asset_keys}:
            raise EspalierError(f"{name} is written by the application: choose one of {', '.join(names)}")
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
        raise EspalierError(f"no asset {name!r}; {hint}")
    return dg.AssetKey.from_user_string(name)


def days_of(definitions: dg.Definitions, name: str) -> dg.PartitionsDefinition[str] | None:
    """Give the partitions of an asset, None where it has none."""
    return definitions.resolve_asset_graph().get(find_asset(definitions, name)).partitions_def


def partition_tags(definitions: dg.Definitions, name: str, partition: str | None) -> dict[str, str]:
    """Give the tags of a run of one asset and partition; a missing or needless partition is refused."""
    days = days_of(definitions, name)
    if days is None and partition is None:
        return {}
    if partition is None:
        raise EspalierError(f"{name} has a partition a day: give one, such as --partition {_last(days)}")
    return {"dagster/partition": known_day(days, name, partition, "--partition")}


def range_tags(definitions: dg.Definitions, name: str, first: str, last: str) -> dict[str, str]:
    """Give the tags of a single run over a range of days.

    Raises:
        EspalierError: the asset has no days, an end of the range is none of them, or it ends before it begins.
    """
    days = days_of(definitions, name)
    if days is None:
        raise EspalierError(f"{name} has no partitions to backfill; run `espalier materialize {name}`")
    start, end = known_day(days, name, first, "--from"), known_day(days, name, last, "--to")
    if start > end:
        raise EspalierError(f"backfill: --from {first} is after --to {last}; swap them")
    return {RANGE_START: start, RANGE_END: end}


def known_day(days: dg.PartitionsDefinition[str] | None, asset: str, day: str, option: str) -> str:
    """Pass on a partition that exists.

    Raises:
        EspalierError: it is no date, or no partition of the asset; the first and last are named.
    """
    if days is None:
        raise EspalierError(f"{asset} has no partitions: leave {option} out")
    try:
        date.fromisoformat(day)
    except ValueError:
        raise EspalierError(f"{option}: {day!r} is no date; give one such as {_last(days)}") from None
    if not days.has_partition_key(day):
        raise EspalierError(f"{option}: {asset} has no partition {day}; it has {_first(days)} to {_last(days)}")
    return day


def _first(days: dg.PartitionsDefinition[str] | None) -> str | None:
    return days.get_first_partition_key() if days else None


def _last(days: dg.PartitionsDefinition[str] | None) -> str | None:
    return days.get_last_partition_key() if days else None


def leave(reports: list[RunReport], as_json: bool) -> None:
    """Print what runs did and leave with their exit code."""
    raise typer.Exit(finish(reports, [vars(report) for report in reports] if as_json else None))
