"""Application tables of the lms domain, as Prisma makes them from seed 003: what stands before our plan.

Text ids without a default, snake_case names, timestamp(3) that holds UTC; uniques are unique indexes. All seventeen
are in the baseline; what the plan adds is in `lms.py`.

The seed's `nuggets_embedding_idx` is no part of it: ivfflat learns its lists from the rows that are there, so an asset
builds the vector index after data. Nor is its `progress_learner_concept_idx`, which repeats the unique index: an empty
site does without, an adopted one keeps it.
"""

from migrations.metadata import lms_content, lms_ingestion, lms_people, lms_sessions, lms_settings
from migrations.metadata.lms_types import baseline

__all__ = ["PARTS", "baseline"]

PARTS = (lms_people, lms_content, lms_sessions, lms_ingestion, lms_settings)
