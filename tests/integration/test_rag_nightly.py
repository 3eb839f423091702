"""The rag domain as it runs every night: on the demo's dialogues, through the job that the schedule starts."""

from datetime import UTC, date, datetime, timedelta

from dagster import DagsterInstance

from orchestration import demo
from orchestration.definitions import build_definitions
from orchestration.schedules import nightly_tags
from tests import rag_by_hand
from tests.conftest import Materialize, Site, figures

KEY = "rag/rag_metrics_history"
LAST_DAY = date(2025, 6, 30)


def load_demo(site: Site) -> None:
    demo.generate_and_load(site.settings.model_copy(update={"domains": ("rag",)}), "small", last_day=LAST_DAY)


def test_the_demos_dialogues_equal_plain_python(site: Site, materialize: Materialize) -> None:
    load_demo(site)
    first = LAST_DAY - timedelta(days=99)
    found = figures(materialize(KEY, days=(first.isoformat(), LAST_DAY.isoformat())), KEY)
    with site.connect("rag") as connection:
        dialogues = connection.execute("SELECT * FROM ai_dialogue_log").fetchall()
        rows = connection.execute("SELECT * FROM rag_metrics_history ORDER BY date").fetchall()
    days = [first + timedelta(days=n) for n in range(100)]
    assert [{k: v for k, v in row.items() if k != "id"} for row in rows] == rag_by_hand.metrics(
        dialogues, days, "Asia/Tokyo"
    )
    assert found["queries"] == len(dialogues) > 5_000


def test_the_nightly_job_computes_yesterday_and_the_late_days(site: Site, instance: DagsterInstance) -> None:
    at = datetime(2025, 6, 30, 17, tzinfo=UTC)
    job = build_definitions(site.settings, site.postgres).resolve_job_def("nightly_rag")
    policy = site.settings.rag
    tags = nightly_tags(at, policy.zone, policy.late_days)
    result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    failed = [e.check_name for e in result.get_asset_check_evaluations() if not e.passed]
    with site.connect("rag") as connection:
        rows = connection.execute("SELECT date FROM rag_metrics_history ORDER BY date").fetchall()
    assert result.success
    assert [row["date"].date().isoformat() for row in rows] == ["2025-06-27", "2025-06-28", "2025-06-29", "2025-06-30"]
    assert set(failed) <= {"yesterday_is_there"}
