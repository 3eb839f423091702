"""What the graph must be, worked out by hand: plain queries of both sides, and sets in Python.

Shares nothing with `assets/graph`: neither its statements nor its idea of what a difference is.
"""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from tests.conftest import Connection

Elements = dict[str, Counter[tuple[Any, ...]]]
Run = Callable[..., list[dict[str, Any]]]


def wanted(connection: Connection, leave_out: Collection[str] = ("opted_out", "suspended")) -> Elements:
    """Work out from the tables what the graph must hold."""
    concepts = connection.execute('SELECT id, name, domain, difficulty, "createdAt" AS at FROM concepts').fetchall()
    pairs = connection.execute('SELECT "prerequisiteId" AS a, "conceptId" AS b FROM concept_prerequisites').fetchall()
    shown = _shown_users(connection, leave_out)
    masteries = [m for m in _masteries(connection) if m[0] in shown]
    in_domains = [(c["id"], c["domain"]) for c in concepts if c["domain"] is not None and c["domain"].strip(" ")]
    return {
        "concept": Counter((c["id"], c["name"], c["domain"], c["difficulty"], _ms(c["at"])) for c in concepts),
        "domain": Counter({(domain,) for _, domain in in_domains}),
        "part_of": Counter(in_domains),
        "prerequisite_of": Counter((p["a"], p["b"]) for p in pairs),
        "user": Counter({(user,) for user, *_ in masteries}),
        "mastered_by": Counter(masteries),
        "other": Counter(),
    }


def _shown_users(connection: Connection, leave_out: Collection[str]) -> set[str]:
    now = datetime.now(UTC).replace(tzinfo=None)
    users = connection.execute("SELECT * FROM users").fetchall()
    return {u["id"] for u in users if not any(_is_left_out(u, policy, now) for policy in leave_out)}


def _is_left_out(user: dict[str, Any], policy: str, now: datetime) -> bool:
    if policy == "suspended":
        return user["isSuspended"] and (user["suspendedUntil"] is None or user["suspendedUntil"] > now)
    return user[{"opted_out": "leaderboardOptOut", "shadow_banned": "isShadowBanned"}[policy]]


def _masteries(connection: Connection) -> list[tuple[Any, ...]]:
    rows = connection.execute("SELECT * FROM mastery_records").fetchall()
    return [(r["userId"], r["conceptId"], r["masteryScore"], _ms(r["updatedAt"])) for r in rows]


def _ms(at: datetime) -> int:
    return round((at - datetime(1970, 1, 1)).total_seconds() * 1000)


def found(run: Run) -> Elements:
    """Read what the graph holds; whatever has no place in the model is under `other`."""
    known = ["Concept", "Domain", "User", "_Espalier"]
    return {
        "concept": _tuples(
            run("MATCH (c:Concept) RETURN c.id AS a, c.name AS b, c.domain AS c, c.difficulty AS d, c.createdAt AS e")
        ),
        "domain": _tuples(run("MATCH (d:Domain) RETURN d.name AS a")),
        "part_of": _tuples(run("MATCH (c:Concept)-[:PART_OF]->(d:Domain) RETURN c.id AS a, d.name AS b")),
        "prerequisite_of": _tuples(
            run("MATCH (p:Concept)-[:PREREQUISITE_OF]->(c:Concept) RETURN p.id AS a, c.id AS b")
        ),
        "user": _tuples(run("MATCH (u:User) RETURN u.id AS a")),
        "mastered_by": _tuples(
            run(
                "MATCH (u:User)-[m:MASTERED_BY]->(c:Concept)"
                " RETURN u.id AS a, c.id AS b, m.score AS c, m.updatedAt AS d"
            )
        ),
        "other": _tuples(
            run("MATCH (n) WHERE none(l IN labels(n) WHERE l IN $known) RETURN labels(n) AS a", known=known)
        ),
    }


def _tuples(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(map(str, v) if isinstance(v, list) else v for v in row.values()) for row in rows)


def differences(connection: Connection, run: Run, leave_out: Collection[str] = ("opted_out", "suspended")) -> list[str]:
    """List what the graph lacks (-) and what it has too much of (+); nothing when it is equal."""
    want, have = wanted(connection, leave_out), found(run)
    return [
        *(f"- {kind} {element}" for kind in want for element in (want[kind] - have[kind]).elements()),
        *(f"+ {kind} {element}" for kind in want for element in (have[kind] - want[kind]).elements()),
    ]
