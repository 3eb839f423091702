"""The command `demo`: demo data on the embedded server, every nightly job once, and what came of it."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Annotated

import typer

from migrations import runner
from orchestration import demo as demo_data
from orchestration.cli.graph_server import can_have_graph
from orchestration.cli.output import Json, err, finish, note, say, working
from orchestration.cli.run_commands import jobs_named, tags_of
from orchestration.cli.runs import RunReport, dagster_instance, run_job
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.definitions import build_definitions
from orchestration.resources import Postgres, connect
from orchestration.schedules import RANGE_END, RANGE_START
from orchestration.settings import Domain, Settings, load_settings

RAG_DAYS = 90
NEXT = "Next: `make up` (or `espalier up`) shows these runs at http://127.0.0.1:{port}; `espalier psql` shows the rows."


class Scale(StrEnum):
    """How many users: 1k, 20k or 200k, with votes, ledger entries and dialogues in proportion."""

    small = "small"
    medium = "medium"
    large = "large"


def demo(
    scale: Annotated[Scale, typer.Option(help="1k, 20k or 200k users.")] = Scale.small, as_json: Json = False
) -> None:
    """Show everything at work: embedded servers, schema, demo data, all nightly jobs as Dagster runs."""
    settings = load_settings(**NO_EXTERNAL_SERVER)
    with serving(settings, graph=True):
        loaded = prepare(settings, scale)
        reports = run_all(settings)
    if loaded and not as_json:
        say(f"Loaded {sum(loaded.values()):,} rows of demo data into {len(loaded)} tables.")
    document = {"loaded": loaded, "runs": [vars(report) for report in reports]}
    code = finish(reports, document if as_json else None)
    if code == 0 and not as_json:
        say(NEXT.format(port=settings.ui_port))
    raise typer.Exit(code)


def prepare(settings: Settings, scale: Scale) -> dict[str, int]:
    """Migrate and load; rows are loaded below the sync trigger, where a live application has written them."""
    started = monotonic()
    with working("Loading demo data") as tell:
        for domain in settings.domains:
            if not is_set_up(settings, domain):
                runner.migrate(settings, domain, demo_data.LOAD_AT.get(domain, "head"))
        loaded = demo_data.generate_and_load(
            settings,
            scale.value,
            lambda table, rows: tell(f"{table} {rows:,}"),
            last_day=datetime.now(UTC).date() - timedelta(days=1),
        )
        for domain in settings.domains:
            runner.migrate(settings, domain)
    note(f"Schema and demo data are ready ({monotonic() - started:.1f} s).")
    return loaded


def is_set_up(settings: Settings, domain: Domain) -> bool:
    """Tell whether a domain has been migrated here at all; if so the demo takes it up only, never down."""
    with connect(settings.url("migrator")) as connection:
        return runner.current(connection, domain) is not None


def run_all(settings: Settings) -> list[RunReport]:
    """Run every nightly job as of this hour, the metrics over the last 90 days in one run.

    Without a Neo4j, of which was told, the graph's is left out.
    """
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    definitions = build_definitions(settings, Postgres(settings))
    with dagster_instance(settings) as instance:
        return [
            run_job(instance, definitions.resolve_job_def(name), tags=_tags(settings, name, at), console=err)
            for name in jobs_named(settings, None)
            if name != "nightly_graph" or can_have_graph(settings)
        ]


def _tags(settings: Settings, job: str, at: datetime) -> dict[str, str]:
    tags = tags_of(settings, job, at)
    if job == "nightly_rag":
        first = date.fromisoformat(tags[RANGE_END]) - timedelta(days=RAG_DAYS - 1)
        tags[RANGE_START] = first.isoformat()
    return tags
