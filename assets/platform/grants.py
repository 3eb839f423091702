"""`platform/grants`: whether everybody may do in the database what the list says, and nothing else."""

from typing import Any

import dagster as dg

from assets.table_asset import OWNER, RETRY, preview, untyped_result, verdict
from migrations.grants.check import GrantReport, check
from migrations.grants.matrix import classes
from orchestration.errors import EspalierError
from orchestration.resources import REFUSED, Postgres

KEY = dg.AssetKey(["platform", "grants"])
CHECKS = {
    "no_right_is_missing": "Every right that the list gives is there: on schemas, tables, columns, sequences, "
    "functions and masked views.",
    "no_right_is_surplus": "Our roles and PUBLIC have no right beyond the list: no TRUNCATE, no option to grant, "
    "nothing on materialized views, no default right.",
    "roles_have_no_other_power": "No role of ours is superuser, bypasses row security or is a member of another "
    "role beyond the list.",
    "nothing_beside_the_list": "No role that is not ours has rights on our tables, no role of ours on others', and the "
    "roles' time-outs and limits are those of the list.",
}
BLOCKING = ("no_right_is_missing", "no_right_is_surplus", "roles_have_no_other_power")


SPECS = [
    dg.AssetCheckSpec(name, asset=KEY, description=text, blocking=name in BLOCKING) for name, text in CHECKS.items()
]


@dg.asset(
    key=KEY,
    group_name="platform",
    owners=[OWNER],
    kinds={"postgres"},
    code_version="1",
    retry_policy=RETRY,
    check_specs=SPECS,
    description="Who may do what in the database, compared with `migrations/grants.toml` in both directions.",
)
@untyped_result
def grants(postgres: dg.ResourceParam[Postgres]) -> dg.MaterializeResult[Any]:
    """Compare the site's database with the list; report the list's classes and what differs."""
    found = _check(postgres)
    lists = (found.missing, found.surplus, found.powers, found.beside)
    figures = {name: len(items) for name, items in zip(CHECKS, lists, strict=True)}
    return dg.MaterializeResult(
        metadata={"rights_compared": found.compared, "matrix": preview(classes()), **figures},
        check_results=[_verdict(spec, items) for spec, items in zip(SPECS, lists, strict=True)],
    )


def _verdict(spec: dg.AssetCheckSpec, items: list[str]) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if spec.name in BLOCKING else dg.AssetCheckSeverity.WARN
    return verdict(spec, not items, severity, found=dg.MetadataValue.md("\n".join(f"- {i}" for i in items) or "none"))


def _check(postgres: Postgres) -> GrantReport:
    try:
        return check(postgres.settings)
    except EspalierError as error:
        raise dg.Failure(str(error), metadata={REFUSED: True}, allow_retries=False) from error
