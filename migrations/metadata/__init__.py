"""The schema of every domain at the head of its revisions, schema-free: the search path says where it stands."""

from sqlalchemy import MetaData

from migrations.metadata import behavior, community, espalier, lms, rag

METADATA: dict[str, MetaData] = {
    "espalier": espalier.metadata,
    "behavior": behavior.metadata,
    "community": community.metadata,
    "community_contract": MetaData(),  # it makes no table; what it renames is compared by `contracts.py`
    "lms": lms.metadata,
    "lms_tenants": MetaData(),  # policies only, which Alembic does not compare
    "rag": rag.metadata,
}
BASELINES: dict[str, MetaData] = {
    "behavior": behavior.baseline,
    "community": community.baseline,
    "lms": lms.baseline,
    "rag": rag.baseline,
}
