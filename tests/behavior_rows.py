"""Rows of the behavior application for tests: a learner with at least one row in each table.

Like `tests/factories.py`, by unqualified names: the connection's search path decides where. Labels of enums are given
as plain text, so that a site without the enums takes the same rows.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

from tests.factories import NOON, insert

Connection = psycopg.Connection[Any]
Row = tuple[str, dict[str, object]]


def two_learners(connection: Connection) -> None:
    """Insert what both study, and two learners, one of whom does not want to be analysed."""
    for table, row in _studied():
        insert(connection, table, row)
    learner(connection, "ann")
    learner(connection, "bob", behavioralAnalysisEnabled=False)


def learner(connection: Connection, name: str, **flags: bool) -> None:
    """Insert a learner with rows in every table; ids are `<name>` and `<name>-…`."""
    user = {"id": name, "email": f"{name}@behavior.test.example", "updatedAt": NOON, **flags}
    insert(connection, "users", user)
    for table, row in (*_observed(name), *_proposed(name), *_planned(name), *_foreseen(name), *_adapted(name)):
        insert(connection, table, row if "userId" in row or table == "insight_patterns" else {**row, "userId": name})


def assignment(name: str, experiment: str) -> dict[str, object]:
    """Make a row of experiment_assignments."""
    key = f"{name}-in-{experiment}"
    return {"id": key, "experimentId": experiment, "userId": name, "variantId": "A"}


def _studied() -> Iterator[Row]:
    yield "lectures", {"id": "knots"}
    yield "learning_objectives", {"id": "bowline", "lectureId": "knots", "objective": "Tie a bowline"}
    yield (
        "learning_articles",
        {
            **{"id": "spacing", "slug": "spacing", "title": "Spacing", "category": "SPACED_REPETITION"},
            **{"summary": "Wait.", "content": "Wait, then repeat.", "tags": ["memory"], "updatedAt": NOON},
        },
    )


def _observed(name: str) -> Iterator[Row]:
    insight, pattern = f"{name}-insight", f"{name}-pattern"
    event = {"eventType": "SESSION_ENDED", "eventData": {"minutes": 25}, "completionQuality": "NORMAL"}
    for hour in (8, 20):
        yield "behavioral_events", {"id": f"{name}-event-{hour}", **event, "dayOfWeek": 4, "timeOfDay": hour}
    yield (
        "behavioral_patterns",
        {
            **{"id": pattern, "patternType": "OPTIMAL_STUDY_TIME", "patternName": "Mornings"},
            **{"confidence": 0.8, "evidence": {"sessions": 12}},
        },
    )
    yield (
        "behavioral_insights",
        {
            **{"id": insight, "insightType": "STUDY_TIME_OPTIMIZATION", "title": "Mornings", "confidence": 0.8},
            **{"description": "You learn best at eight", "actionableRecommendation": "Study at eight"},
        },
    )
    yield "insight_patterns", {"id": f"{name}-link", "insightId": insight, "patternId": pattern}
    documents = ("preferredStudyTimes", "contentPreferences", "learningStyleProfile", "personalizedForgettingCurve")
    minutes = {"averageSessionDuration": 25, "optimalSessionDuration": 30}
    yield "user_learning_profiles", {"id": f"{name}-profile", **minutes, **{key: {"a": 1} for key in documents}}
    yield "article_reads", {"id": f"{name}-read", "articleId": "spacing", "rating": 5}


def _proposed(name: str) -> Iterator[Row]:
    recommendation = f"{name}-recommendation"
    figures = ("confidence", "estimatedImpact", "easeOfImplementation", "userReadiness", "priorityScore")
    texts = {"title": "Earlier", "description": "Study earlier"}
    yield (
        "recommendations",
        {
            **{"id": recommendation, "recommendationType": "STUDY_TIME_OPTIMIZATION", "actionableText": "At eight"},
            **{"sourcePatternIds": [f"{name}-pattern"], **texts, **dict.fromkeys(figures, 0.7)},
        },
    )
    applied = {"recommendationId": recommendation, "applicationType": "MANUAL", "baselineMetrics": {"score": 60}}
    yield "applied_recommendations", {"id": f"{name}-applied", **applied}
    goal = {"targetMetric": "minutes", "currentValue": 20, "targetValue": 30, "deadline": NOON, "updatedAt": NOON}
    yield "behavioral_goals", {"id": f"{name}-goal", "goalType": "CUSTOM", "progressHistory": {}, **texts, **goal}
    notice = {"notificationType": "NEW_INSIGHT", "title": "New", "message": "An insight"}
    yield "insight_notifications", {"id": f"{name}-notice", **notice}


def _planned(name: str) -> Iterator[Row]:
    mission = f"{name}-mission"
    yield "missions", {"id": mission, "estimatedMinutes": 25, "objectives": {"ids": ["bowline"]}}
    advice = {"recommendedSchedule": {"at": 8}, "reasoning": "Mornings"}
    yield "study_schedule_recommendations", {"id": f"{name}-advice", **advice}
    adaptation = {"adaptationType": "TIME_SHIFT", "adaptationDetails": {"hours": -1}}
    yield "schedule_adaptations", {"id": f"{name}-adaptation", **adaptation}
    calendar = {"calendarProvider": "local", "accessToken": f"token of {name}"}
    yield "calendar_integrations", {"id": f"{name}-calendar", **calendar}
    yield "session_orchestration_plans", {"id": f"{name}-plan", "missionId": mission, "planData": {"breaks": 1}}


def _foreseen(name: str) -> Iterator[Row]:
    prediction = f"{name}-prediction"
    odds = {"predictedStruggleProbability": 0.6, "predictionConfidence": 0.7, "strugglingFactors": {"pace": 1}}
    yield "struggle_predictions", {"id": prediction, "learningObjectiveId": "bowline", "topicId": "rope", **odds}
    sign = {"learningObjectiveId": "bowline", "indicatorType": "LOW_RETENTION", "severity": "HIGH"}
    yield "struggle_indicators", {"id": f"{name}-sign", "predictionId": prediction, **sign}
    help = {"interventionType": "FOCUS_SESSION", "description": "Focus", "reasoning": "Pace", "priority": 1}
    yield "intervention_recommendations", {"id": f"{name}-help", "predictionId": prediction, **help}
    load = {"loadScore": 40, "stressIndicators": {"errors": 2}, "confidenceLevel": 0.9}
    yield "cognitive_load_metrics", {"id": f"{name}-load", **load}
    risk = {"riskScore": 20, "riskLevel": "LOW", "contributingFactors": {}, "recommendations": ["Sleep"]}
    yield "burnout_risk_assessments", {"id": f"{name}-risk", **risk}
    yield "stress_response_patterns", {"id": f"{name}-stress", "patternData": {}, "confidence": 0.5}


def _adapted(name: str) -> Iterator[Row]:
    preferences, config, experiment = f"{name}-preferences", f"{name}-config", f"{name}-experiment"
    where = {"preferencesId": preferences, "context": "MISSION"}
    yield "personalization_preferences", {"id": preferences, "updatedAt": NOON}
    yield "personalization_configs", {"id": config, "strategyVariant": "A", "updatedAt": NOON, **where}
    test = {"experimentName": "Mornings", "variants": {"A": 1, "B": 2}, "endDate": NOON}
    yield "personalization_experiments", {"id": experiment, **test, **where}
    yield "experiment_assignments", assignment(name, experiment)
    effect = {"startDate": NOON, "endDate": NOON, "sampleSize": 30, "compositeScore": 0.4}
    yield "personalization_effectiveness", {"id": f"{name}-effect", "configId": config, **effect}
    outcome = {"outcomeType": "SESSION_COMPLETED", "context": "MISSION", "retentionScore": 0.8}
    yield "personalization_outcomes", {"id": f"{name}-outcome", "configId": config, **outcome}
