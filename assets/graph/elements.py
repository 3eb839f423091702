"""The assets of the graph's kinds: a nightly reconciliation of each, its checks, and the daily export.

What is compared and repaired is in `reconcile.py`; between the nights `follow.py` keeps the graph equal.
"""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dagster as dg
from pydantic import Field

import sql
from assets.graph import cycles, export
from assets.graph.drain import NEEDS, TABLES
from assets.graph.lease import LeaseHeld
from assets.graph.reconcile import Reconciliation, reconcile
from assets.graph.scope import KINDS, Kind, kind_of
from assets.table_asset import OWNER, RETRY, preview, schema_key, untyped_result, verdict, without_beta_notice
from orchestration.errors import EspalierError
from orchestration.graph import Fenced, Graph, GraphLost
from orchestration.partitions import as_of
from orchestration.resources import REFUSED, Postgres, Transaction

CHECKS = sql.load("graph", "checks")
GROUP = "graph"
_FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36))
_WARN = dg.AssetCheckSeverity.WARN
_FILES = (("compare", "sql"), ("compare", "cypher"), ("reconcile", "sql"), ("reconcile", "cypher"), ("drain", "cypher"))
_DESCRIPTIONS: Mapping[Kind, str] = {
    "concepts": "Nodes (:Concept {id, name, domain, difficulty, createdAt}) of Neo4j, equal to the table `concepts`.",
    "part_of": "Nodes (:Domain {name}) and edges (:Concept)-[:PART_OF]->(:Domain), from `concepts.domain`.",
    "prerequisite_of": "Edges (:Concept)-[:PREREQUISITE_OF]->(:Concept), from what must be known to what needs it, "
    "equal to the table `concept_prerequisites`.",
    "mastered_by": "Nodes (:User {id}) and edges (:User)-[:MASTERED_BY {score, updatedAt}]->(:Concept), equal to the "
    "table `mastery_records` without the people whom the policy leaves out.",
}
_TABLES: Mapping[Kind, Sequence[str]] = {
    "concepts": ("concepts",),
    "part_of": ("concepts",),
    "prerequisite_of": ("concept_prerequisites", "concepts"),
    "mastered_by": ("mastery_records", "users", "concepts"),
}


def key(name: str) -> dg.AssetKey:
    """Name an asset of the graph."""
    return dg.AssetKey(["graph", name])


def _version() -> str:
    """Give the version of the code: of all statements that decide what the graph is."""
    versions = "".join(sql.load("graph", subject, language).version for subject, language in _FILES)
    return hashlib.sha256(versions.encode()).hexdigest()[:16]


def _spec(kind: Kind) -> dg.AssetSpec:
    return dg.AssetSpec(
        key(kind),
        deps=[schema_key("community"), *(dg.AssetKey(["community", table]) for table in _TABLES[kind])],
        description=_DESCRIPTIONS[kind],
        group_name=GROUP,
        owners=[OWNER],
        kinds={"neo4j", "postgres"},
        tags={"espalier/domain": "community"},
        code_version=_version(),
        freshness_policy=_FRESH,
    )


def _check(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=key(asset), description=description)


DRIFT_FOUND = {
    kind: _check("drift_found", kind, "The graph was equal to Postgres before the repair; else what differed.")
    for kind in KINDS
}
DRIFT_LEFT = {kind: _check("drift_left", kind, "The graph is equal to Postgres after the repair.") for kind in KINDS}
PREREQUISITE_CYCLES = _check(
    "prerequisite_cycles", "prerequisite_of", "No concept needs itself, also not by others; each cycle is named."
)
CONCEPTS_WITHOUT_DOMAIN = _check("concepts_without_domain", "part_of", "Every concept is part of a domain.")
UNKNOWN_ENDS: Mapping[Kind, dg.AssetCheckSpec] = {
    kind: _check("edges_over_unknown_ends", kind, "No edge leads to a concept or user that does not exist.")
    for kind in ("prerequisite_of", "mastered_by")
}
_UNKNOWN_ENDS_QUERIES: Mapping[Kind, str] = {
    "prerequisite_of": "count_unknown_ends_of_prerequisites",
    "mastered_by": "count_unknown_ends_of_mastery",
}


class ReconciliationConfig(dg.Config):
    """How the graph is reconciled."""

    dry_run: bool = Field(default=False, description="Change nothing; report what differs.")
    bound: float | None = Field(
        default=None, ge=0, le=1, description="Share of the graph that may be repaired; by default graph.drift_bound."
    )


@contextmanager
def refusing() -> Generator[None]:
    """Turn a refusal into a failure with one line; a lost server, or another writer, is worth a retry."""
    try:
        yield
    except EspalierError as error:
        again = isinstance(error, (GraphLost, Fenced, LeaseHeld))
        raise dg.Failure(str(error), metadata={REFUSED: not again}, allow_retries=again) from error


def _graph_elements(
    context: dg.AssetExecutionContext,
    config: ReconciliationConfig,
    postgres: dg.ResourceParam[Postgres],
    graph: dg.ResourceParam[Graph],
) -> Iterator[dg.MaterializeResult[Any]]:
    """Compare the selected kinds with Postgres by live values, repair what differs, and compare again.

    Each difference is a row of `espalier.graph_drift` under the run's id. Above `graph.drift_bound` nothing is
    repaired and the run says how to go on.
    """
    kinds: list[Kind] = [kind for kind in KINDS if key(kind) in context.selected_asset_keys]
    with refusing():
        found = reconcile(
            postgres,
            graph,
            kinds=kinds,
            dry_run=config.dry_run,
            bound=config.bound,
            run_id=context.run.run_id,
            as_of=as_of(context),
        )
        with graph.session() as live:
            counts = live.read(export.CYPHER["count_kinds"])[0]
    with postgres.session("community", needs=NEEDS, tables=TABLES) as session, session.transaction() as tx:
        for kind in kinds:
            yield _result(tx, kind, found, counts)


with without_beta_notice():
    graph_elements = dg.multi_asset(
        name="graph_elements",
        specs=[_spec(kind) for kind in KINDS],
        check_specs=[
            *DRIFT_FOUND.values(),
            *DRIFT_LEFT.values(),
            PREREQUISITE_CYCLES,
            CONCEPTS_WITHOUT_DOMAIN,
            *UNKNOWN_ENDS.values(),
        ],
        can_subset=True,
        pool="graph",
        retry_policy=RETRY,
    )(untyped_result(_graph_elements))


def _result(tx: Transaction, kind: Kind, found: Reconciliation, counts: Mapping[str, int]) -> dg.MaterializeResult[Any]:
    """Report one kind: how many there are, what differed, and what its checks say."""
    steps = [step for step in found.plan if kind_of(step.element) == kind]
    states = {state: sum(s.count for s in steps if s.state == state) for state in ("repaired", "left", "in_flight")}
    differed = sum(step.count for step in steps if step.state != "in_flight")
    remaining = sum(step.count for step in steps if step.state in ("left", "planned"))
    table = preview(
        [{"what": s.element, "difference": s.difference, "detail": s.detail, "count": s.count} for s in steps]
    )
    return dg.MaterializeResult(
        asset_key=key(kind),
        metadata={"dagster/row_count": counts[kind], "differed": differed, **states, "differences": table},
        check_results=[
            _of(verdict(DRIFT_FOUND[kind], differed == 0, _WARN, differed=differed, differences=table), kind),
            _of(verdict(DRIFT_LEFT[kind], remaining == 0, left=remaining, in_flight=states["in_flight"]), kind),
            *_own_checks(tx, kind),
        ],
    )


def _of(result: dg.AssetCheckResult, kind: Kind) -> dg.AssetCheckResult:
    """Say whose check it is: several assets of a step have checks of one name."""
    return result._replace(asset_key=key(kind))


def _own_checks(tx: Transaction, kind: Kind) -> Iterator[dg.AssetCheckResult]:
    """Evaluate the checks that only one kind has."""
    if kind == "prerequisite_of":
        found = cycles.read_cycles(tx)
        shown = dg.MetadataValue.md("\n".join(f"- {cycle}" for cycle in found) or "none")
        yield _of(verdict(PREREQUISITE_CYCLES, not found, _WARN, cycles=len(found), paths=shown), kind)
    if kind == "part_of":
        row = tx.one(CHECKS["count_concepts_without_domain"])
        figures = {"concepts": row["concepts"], "some": ", ".join(row["some"]) or "none"}
        yield _of(verdict(CONCEPTS_WITHOUT_DOMAIN, row["concepts"] == 0, _WARN, **figures), kind)
    if kind in UNKNOWN_ENDS:
        row = tx.one(CHECKS[_UNKNOWN_ENDS_QUERIES[kind]])
        why = preview(tx.all(CHECKS["describe_set_aside"]))
        yield _of(verdict(UNKNOWN_ENDS[kind], not any(row.values()), _WARN, **row, reasons=why), kind)


READS_BACK = _check("reads_back", "export", "Every file of the export reads as its manifest says.")


@dg.asset(
    key=key("export"),
    deps=[key(kind) for kind in KINDS],
    group_name=GROUP,
    owners=[OWNER],
    kinds={"neo4j", "csv"},
    tags={"espalier/domain": "community"},
    code_version=export.CYPHER.version,
    freshness_policy=_FRESH,
    check_specs=[READS_BACK],
    pool="graph",
    retry_policy=RETRY,
)
@untyped_result
def graph_export(
    context: dg.AssetExecutionContext, postgres: dg.ResourceParam[Postgres], graph: dg.ResourceParam[Graph]
) -> dg.MaterializeResult[Any]:
    """Write the graph to CSV files with a manifest (counts, sha256), a folder a day, kept for `graph.export_days`.

    Not partitioned: an export is of the graph as it stands, and a day that has passed cannot be exported again.
    """
    with refusing():
        made = export.export(postgres, graph, as_of=as_of(context))
        export.verify(made.folder)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(made.folder)),
            "dagster/row_count": sum(made.counts.values()),
            "epoch": made.epoch,
            **made.counts,
        },
        check_results=[verdict(READS_BACK, True, files=len(made.sheets))],
    )


ASSETS: Sequence[dg.AssetsDefinition] = (graph_elements, graph_export)
