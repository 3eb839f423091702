"""Mastery worked out by plain Python, pair by pair, for the tests to compare with; and how they run the job.

Rows are built in `tests/factories.py`.
"""

import math
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from hashlib import md5
from typing import Any

from assets.community.mastery_records import MASTERY_RECORDS, MasteryRecordsConfig, refresh
from tests.conftest import Connection, Site

Pair = tuple[str, str]
Row = dict[str, Any]

RECORDS = """
    SELECT id, "userId", "conceptId", "totalAttempts", "correctAttempts", "masteryScore", "confidenceWeight",
           "lastSeen", "createdAt", "updatedAt"
    FROM mastery_records ORDER BY "userId", "conceptId"
"""
ATTEMPTS = 'SELECT * FROM concept_attempts WHERE isfinite("createdAt")'
DELETE_DERIVED = """
    DELETE FROM mastery_records WHERE id = md5(ARRAY['mastery_records', "userId", "conceptId"]::text)
"""


def derive(site: Site, now: datetime, **config: Any) -> Row:
    """Run the job below Dagster, as of an instant (UTC), and give its figures and the verdicts of its checks."""
    with MASTERY_RECORDS.session(site.postgres) as session:
        result = refresh(session, site.settings, MasteryRecordsConfig(**config), now.replace(tzinfo=UTC))
    verdicts = {check.check_name: check.passed for check in result.check_results or []}
    return {**(result.metadata or {}), "checks": verdicts}


def records(connection: Connection) -> list[Row]:
    """Read the records."""
    return connection.execute(RECORDS).fetchall()


def by_hand(connection: Connection, now: datetime) -> dict[Pair, Row]:
    """Work out from the attempts up to an instant what the records of all pairs must be."""
    pairs: defaultdict[Pair, list[Row]] = defaultdict(list)
    for row in connection.execute(ATTEMPTS).fetchall():
        if row["createdAt"] <= now:
            pairs[row["userId"], row["conceptId"]].append(row)
    return {pair: record_by_hand(pair, rows, now) for pair, rows in pairs.items()}


def record_by_hand(pair: Pair, rows: list[Row], now: datetime) -> Row:
    """Work out one record."""
    total, correct = len(rows), sum(row["isCorrect"] for row in rows)
    last = max(row["createdAt"] for row in rows)
    days = (now.date() - last.date()).days
    weight = weight_by_hand(sum(max(row["hintsUsed"], 0) for row in rows) / total, days)
    return {
        "id": derived_id(pair),
        "userId": pair[0],
        "conceptId": pair[1],
        "totalAttempts": total,
        "correctAttempts": correct,
        "masteryScore": lower_bound(correct, total) * weight,
        "confidenceWeight": weight,
        "lastSeen": last,
        "createdAt": min(row["createdAt"] for row in rows),
        "updatedAt": last if days <= 7 else datetime.combine(last.date() + timedelta(days=min(days, 22)), time()),
    }


def weight_by_hand(mean_hints: float, days: int) -> float:
    """The weight of a record by the policy as shipped."""
    return max(0.1, 1 - min(0.3, 0.1 * mean_hints) - min(0.3, 0.02 * max(0, min(days, 22) - 7)))


def lower_bound(correct: int, total: int, z: float = 1.2816) -> float:
    """Wilson's lower bound of a share."""
    n, rate = float(total), correct / total
    middle, spread = rate + z * z / (2 * n), z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n))


def derived_id(pair: Pair) -> str:
    """The id of a derived record: the hash of how Postgres writes the array of its parts."""
    parts = ",".join(_quoted(part) for part in ("mastery_records", *pair))
    return md5(f"{{{parts}}}".encode(), usedforsecurity=False).hexdigest()


def _quoted(part: str) -> str:
    plain = part and part.upper() != "NULL" and not set(part) & set('{}",\\ \t\n\r\v\f')
    if plain:
        return part
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
