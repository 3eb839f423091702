"""The days of a nightly run, and the zone in which they are meant."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from orchestration.schedules import nightly_tags, range_of_days
from orchestration.settings import load_settings


@pytest.mark.parametrize(
    ("at", "zone", "late_days", "days"),
    [
        ("2026-03-31T17:00+00:00", "Asia/Tokyo", 0, ("2026-03-31", "2026-03-31")),
        ("2026-03-31T14:00+00:00", "Asia/Tokyo", 0, ("2026-03-30", "2026-03-30")),
        ("2026-03-01T02:00+00:00", "UTC", 1, ("2026-02-27", "2026-02-28")),
        ("2026-03-29T03:00+02:00", "Europe/Berlin", 0, ("2026-03-28", "2026-03-28")),
    ],
)
def test_a_nightly_run_computes_yesterday_and_the_late_days_of_its_zone(
    at: str, zone: str, late_days: int, days: tuple[str, str]
):
    assert range_of_days(datetime.fromisoformat(at), zone, late_days) == days


def test_a_job_without_days_only_carries_its_time():
    at = datetime(2026, 3, 31, tzinfo=UTC)
    assert nightly_tags(at, None, 0) == {"espalier/as_of": "2026-03-31T00:00:00+00:00"}


def test_a_tick_asks_for_one_run_with_a_key_of_its_own():
    schedule = build_definitions().resolve_schedule_def("nightly_rag_schedule")
    tokyo = datetime.fromisoformat("2026-04-01T02:00+09:00")
    with dg.build_schedule_context(scheduled_execution_time=tokyo) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.run_key == "nightly_rag@2026-04-01T02:00:00+09:00"
    assert request.tags["dagster/asset_partition_range_start"] == "2026-03-28"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-31"


def test_a_tick_of_a_domain_without_days_names_none():
    schedule = build_definitions(load_settings(domains=("behavior",))).resolve_schedule_def("nightly_behavior_schedule")
    at = datetime(2026, 3, 31, 2, 30, tzinfo=UTC)
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert {name for name in request.tags if "partition" in name} == set()
    assert request.run_key == "nightly_behavior@2026-03-31T02:30:00+00:00"
