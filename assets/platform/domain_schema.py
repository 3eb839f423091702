"""`platform/<domain>_schema`: whether a domain's schema is as its revisions left it. Migrations change it, not this."""

from typing import Any

import dagster as dg

from assets.table_asset import OWNER, RETRY, schema_key, untyped_result, verdict
from migrations import verify
from orchestration.errors import EspalierError
from orchestration.resources import REFUSED, Postgres
from orchestration.settings import Domain

CHECKS = {
    "required_objects_present_and_equal": "Every table, column, index, key, enum, function and trigger that our "
    "revisions made or need is there, with the definition that was recorded.",
    "required_indexes_valid": "No index was left INVALID by a concurrent build that was cancelled.",
    "no_pending_revisions": "Every revision has been applied.",
    "no_extra_objects": "Nothing stands in the schema that our revisions do not know.",
}
BLOCKING = ("required_objects_present_and_equal", "required_indexes_valid")


def schema_asset(domain: Domain) -> dg.AssetsDefinition:
    """Make the asset that verifies a domain's schema."""
    key = schema_key(domain)
    specs = {
        name: dg.AssetCheckSpec(name, asset=key, description=text, blocking=name in BLOCKING)
        for name, text in CHECKS.items()
    }

    @dg.asset(
        key=key,
        group_name="platform",
        owners=[OWNER],
        kinds={"postgres", "alembic"},
        tags={"espalier/domain": domain},
        code_version=verify.head(domain),
        retry_policy=RETRY,
        check_specs=list(specs.values()),
        description=f"The schema of {domain} as its revisions left it: verified against the catalogs, never changed.",
    )
    @untyped_result
    def domain_schema(postgres: dg.ResourceParam[Postgres]) -> dg.MaterializeResult[Any]:
        found = _inspect(postgres, domain)
        (revision,) = found.pop("revision")
        return dg.MaterializeResult(
            metadata={"revision": revision, **{name: len(items) for name, items in found.items()}},
            check_results=[_verdict(specs[name], name, items) for name, items in found.items()],
        )

    return domain_schema


def _verdict(spec: dg.AssetCheckSpec, name: str, items: list[str]) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if name in BLOCKING else dg.AssetCheckSeverity.WARN
    return verdict(spec, not items, severity, found=dg.MetadataValue.md("\n".join(f"- {i}" for i in items) or "none"))


def _inspect(postgres: Postgres, domain: Domain) -> dict[str, list[str]]:
    try:
        return verify.inspect_domain(postgres.settings, domain)
    except EspalierError as error:
        raise dg.Failure(str(error), metadata={REFUSED: True}, allow_retries=False) from error
