"""Daily partitions of each domain's zone, the days of a run, and the instant that a run writes as its time.

The zone itself is a setting; what is computed for a day is in `assets/`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from orchestration.settings import load_settings
from orchestration.zones import day_start

AS_OF_TAG = "espalier/as_of"


def daily(start: date, zone: str) -> dg.DailyPartitionsDefinition:
    """Make the daily partitions of a zone: keys are its dates, windows its midnights (23 to 25 hours)."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone=zone)


_settings = load_settings()
# Assets that are linked share one object: Dagster maps partitions between unequal definitions in random chunks.
community_days = daily(_settings.community.start_date, _settings.community.zone)
rag_days = daily(_settings.rag.start_date, _settings.rag.zone)


@dataclass(frozen=True)
class Day:
    """A day of a zone as a half-open range of UTC instants: `start` belongs to it, `end` does not."""

    on: date
    start: datetime
    end: datetime

    @classmethod
    def of(cls, day: date, zone: str) -> "Day":
        """Give the instants between which a date lasts in a zone."""
        return cls(day, day_start(day, zone), day_start(day + timedelta(days=1), zone))


def days_of_run(context: dg.AssetExecutionContext) -> list[Day]:
    """List the days that a run computes, in order; a single-run backfill has many."""
    definition = context.assets_def.partitions_def
    if not isinstance(definition, dg.DailyPartitionsDefinition):
        raise TypeError(f"{context.asset_key.to_user_string()} has no daily partitions")
    return [Day.of(date.fromisoformat(key), definition.timezone) for key in context.partition_keys]


def as_of(context: dg.AssetExecutionContext) -> datetime:
    """Give the time that a run writes: its tag, the end of its last partition, else when it was created.

    Never the clock: the same run twice writes the same.
    """
    tag = context.run.tags.get(AS_OF_TAG)
    if tag:
        return datetime.fromisoformat(tag).astimezone(UTC)
    # A run over days may hold assets without any: what has no days of its own writes the time of the run.
    if context.assets_def.partitions_def is not None:
        return days_of_run(context)[-1].end
    return _created(context)


def _created(context: dg.AssetExecutionContext) -> datetime:
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None:
        raise LookupError(f"run {context.run.run_id} is not in the instance")
    return record.create_timestamp.astimezone(UTC)
