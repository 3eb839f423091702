"""From a database that others have built, through every command, and back: nothing of theirs is different."""

from dataclasses import replace
from typing import Any

import pytest

from migrations import runner, verify
from migrations.baseline import baseline
from migrations.completion import build_beforehand
from migrations.connection import Target, connect, look_into
from migrations.inspection.site import inspect, look
from migrations.rollback import rollback
from orchestration.errors import EspalierError
from orchestration.settings import Domain
from tests.lineages import behavior, community, lms, rag
from tests.migrations.adopting import (
    Build,
    adopted_and_taken_back,
    brown_field,
    build_in,
    differences,
    inspected,
    whole_dump,
)
from tests.migrations.site_state import names

one_server = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")


@pytest.mark.parametrize(
    ("build", "schema", "stamped"),
    [
        (rag.application_only, "public", "rag_0000"),
        (rag.with_its_own_trigger, "app", "rag_0000"),
        (rag.hand_written, "public", "rag_0006"),
    ],
)
def test_a_rag_site_comes_back_as_it_was(new_site: Any, build: Build, schema: str, stamped: str):
    site = brown_field(new_site, "rag", schema, build)
    adopted_and_taken_back(site, "rag", schema, stamped)


def test_a_rag_site_of_the_orm_stops_at_the_index_that_is_another_and_goes_on_when_it_is_renamed(new_site: Any):
    site = brown_field(new_site, "rag", "Schüle", rag.generated_by_orm)
    report = inspected(site, "rag")
    (obstacle,) = report.obstacles
    assert str(obstacle.thing) == "index rag_metrics_history.idx_rag_metrics_compliance"
    assert ("USING gin" in obstacle.wanted, "USING btree" in obstacle.found) == (True, True)
    with site.connect("rag") as connection:
        connection.execute("ALTER INDEX idx_rag_metrics_compliance RENAME TO compliance_of_the_orm")
    adopted_and_taken_back(site, "rag", "Schüle", "rag_0000")


@one_server
def test_a_differing_object_stops_a_migration_before_it_changes_anything(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.generated_by_orm)
    baseline(site.settings, "rag")
    before = whole_dump(site, "public")
    with pytest.raises(EspalierError, match=r"rag_0001: index .* gin .*; found .* btree .*nothing was changed"):
        runner.migrate(site.settings, "rag")
    assert whole_dump(site, "public") == before


def test_a_community_site_of_prisma_comes_back_as_it_was(new_site: Any):
    site = brown_field(new_site, "community", "public", community.prisma_push)
    report = inspected(site, "community")
    assert report.lineage == ["Prisma, by push: no _prisma_migrations"]
    assert {"column users.favouriteSubject", "table StudyGroup"} <= set(report.extra)
    assert (report.differences, report.hazards) == ([], [])
    adopted_and_taken_back(site, "community", "public", "community_0000")


@one_server
def test_text_for_an_enum_and_a_label_more_are_shown_and_left_alone(new_site: Any):
    site = brown_field(new_site, "community", "public", community.text_for_enums)
    report = inspected(site, "community")
    assert {(str(difference.thing), difference.required) for difference in report.differences} == {
        ("enum PointEventType", False),
        ("enum VoteType", False),
        ("column points_ledger.eventType", False),
    }
    adopted_and_taken_back(site, "community", "public", "community_0000")


@one_server
def test_what_is_taken_over_in_part_is_completed_with_its_first_rows(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.with_its_own_trigger)
    baseline(site.settings, "rag")
    runner.migrate(site.settings, "rag")
    with site.connect("rag") as connection:
        assert names(connection, "SELECT source FROM plugin_registry") == {"note", "local"}
    assert rollback(site.settings, "rag").dumps == {}


@one_server
def test_phase_3_run_by_hand_is_recognised_and_refused_until_it_is_taken_back(new_site: Any):
    site = brown_field(new_site, "community", "public", community.loose_phase_3)
    report = inspected(site, "community")
    assert (report.ok, report.standing) == (False, "differs")
    assert "loose SQL of phase 3" in report.lineage[-1]
    needed = {str(difference.thing) for difference in report.obstacles}
    assert {"table points_ledger", "column xp_ledger.finalXP"} <= needed
    before = whole_dump(site, "public")
    with pytest.raises(EspalierError, match=r"not what .* jobs need: .*points_ledger.*nothing was changed"):
        baseline(site.settings, "community")
    assert whole_dump(site, "public") == before
    with site.connect("community") as connection:
        community.undo_phase_3(connection)
    assert inspected(site, "community").ok
    assert baseline(site.settings, "community").revision == "community_0000"


@pytest.mark.parametrize("lineage", ["prisma_push", "own_indexes"])
def test_an_lms_site_comes_back_as_it_was(new_site: Any, lineage: str):
    site = brown_field(new_site, "lms", "public", lms.LINEAGES[lineage])
    adopted_and_taken_back(site, "lms", "public", "lms_0000")


@one_server
def test_rows_that_a_revision_would_fail_at_are_counted_before_and_the_site_comes_back_without_them(new_site: Any):
    site = brown_field(new_site, "lms", "public", lms.LINEAGES["grown"])
    report = inspected(site, "lms")
    assert {(hazard.where, hazard.what, hazard.count) for hazard in report.hazards} == {
        ("index voice_configs.voice_configs_scope_scope_id_nulls_key", "keys are there more than once", 1),
        ("constraint analytics.analytics_organization_id_fkey", "rows refer to nothing", 2),
    }
    assert (report.ok, report.extra) == (False, ["column learners.nickname", "table badges"])
    with site.connect("lms") as connection:
        connection.execute("DELETE FROM analytics WHERE organization_id = 'gone'")
        connection.execute("DELETE FROM voice_configs WHERE id = 'second-voice'")
    adopted_and_taken_back(site, "lms", "public", "lms_0000")


@pytest.mark.parametrize("lineage", ["prisma_push", "text_for_enums"])
def test_a_behavior_site_comes_back_as_it_was(new_site: Any, lineage: str):
    site = brown_field(new_site, "behavior", "public", behavior.LINEAGES[lineage])
    adopted_and_taken_back(site, "behavior", "public", "behavior_0000")


@one_server
def test_the_plan_run_by_hand_is_stamped_whole_once_its_key_does_what_it_should(new_site: Any):
    site = brown_field(new_site, "behavior", "public", behavior.LINEAGES["plan_by_hand"])
    name = "experiment_assignments_experimentId_fkey"
    report = inspected(site, "behavior")
    assert {str(obstacle.thing) for obstacle in report.obstacles} == {f"constraint experiment_assignments.{name}"}
    assert all("ON UPDATE CASCADE" in obstacle.wanted for obstacle in report.obstacles)
    with site.connect("behavior") as connection:
        connection.execute(
            f"""ALTER TABLE experiment_assignments DROP CONSTRAINT "{name}", ADD CONSTRAINT "{name}"
            FOREIGN KEY ("experimentId") REFERENCES personalization_experiments ON DELETE CASCADE ON UPDATE CASCADE
            """.encode()
        )
    adopted_and_taken_back(site, "behavior", "public", runner.head("behavior"))


@one_server
def test_orphans_of_a_key_to_come_are_counted(new_site: Any):
    site = brown_field(new_site, "behavior", "public", behavior.LINEAGES["orphaned"])
    (hazard,) = inspected(site, "behavior").hazards
    assert (hazard.revision, hazard.what, hazard.count) == ("behavior_0001", "rows refer to nothing", 2)


@one_server
def test_roles_that_do_not_fit_are_named(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.application_only)
    with site.connect(None, "bootstrap") as connection:
        connection.execute("ALTER TABLE public.users OWNER TO espalier_jobs")
    line = "role espalier_migrator may not alter users, which espalier_jobs owns"
    report = inspected(site, "rag")
    assert (report.ok, report.unfit_roles[0].split(";")[0]) == (False, line)
    with pytest.raises(EspalierError, match=line):
        baseline(site.settings, "rag")


@one_server
def test_one_role_for_all_is_enough(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.generated_by_orm)
    with site.connect("rag") as connection:
        connection.execute("DROP INDEX idx_rag_metrics_compliance")
    owner = site.settings.direct_database_url
    alone = site.settings.model_copy(update={"jobs_role": "espalier_migrator", "database_url": owner})
    adopted_and_taken_back(replace(site, settings=alone), "rag", "public", "rag_0000")


@one_server
def test_a_completion_that_was_interrupted_goes_on_and_is_taken_back_whole(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.generated_by_orm)
    with site.connect("rag") as connection:
        connection.execute("DROP INDEX idx_rag_metrics_compliance")
    before = whole_dump(site, "public")
    baseline(site.settings, "rag")
    with connect(site.settings.url("migrator")) as database:
        target = Target("rag", "public", "public")
        look_into(database, target)
        with database.driver.transaction():
            (first, *_) = look(database.driver, "rag", "public").decisions
        build_beforehand(database, target, first.revision.id, first.missing)
    assert differences(before, whole_dump(site, "public")) != []
    assert runner.migrate(site.settings, "rag").ok
    rollback(site.settings, "rag", "base")
    assert differences(before, whole_dump(site, "public")) == []


@one_server
def test_four_applications_of_one_database_are_adopted_side_by_side(new_site: Any):
    builds: dict[Domain, Build] = {
        "community": community.prisma_push,
        "behavior": behavior.LINEAGES["prisma_push"],
        "lms": lms.LINEAGES["prisma_push"],
        "rag": rag.hand_written,
    }
    schemas = {name: "public" if name == "community" else f"{name}_app" for name in builds}
    site = new_site("espalier", domains=tuple(builds), **{f"{name}_schema": s for name, s in schemas.items()})
    for name, build in builds.items():
        build_in(site, name, schemas[name], build)
    before = {name: whole_dump(site, schema) for name, schema in schemas.items()}
    assert all(report.ok for report in inspect(site.settings, list(builds))[1])
    for name in builds:
        baseline(site.settings, name)
        assert runner.migrate(site.settings, name).ok
    for name in builds:
        assert verify.verify_domain(site.settings, name)["required_objects_present_and_equal"] == []
        rollback(site.settings, name, "base", yes_delete_data=True)
    assert {name: whole_dump(site, schema) for name, schema in schemas.items()} == before
