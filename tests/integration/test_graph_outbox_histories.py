"""Whatever the history of writes: a key that the graph would show differently is marked.

Drawn histories; single statements stand in `test_graph_outbox.py`.
"""

from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Connection, Site
from tests.outbox import Mark, small_world, take

SHOWN = """
    SELECT 'concept' AS kind, id AS key1, '' AS key2, row_to_json(c)::text AS shown
    FROM (SELECT id, name, domain, difficulty, "createdAt" FROM concepts) AS c
    UNION ALL
    SELECT 'prerequisite', "prerequisiteId", "conceptId", '' FROM concept_prerequisites
    UNION ALL
    SELECT 'mastery', m."userId", m."conceptId",
           concat_ws('|', m."masteryScore", m."updatedAt", u."leaderboardOptOut", u."isShadowBanned", u."isSuspended",
                     coalesce(u."suspendedUntil"::text, 'never'))
    FROM mastery_records AS m JOIN users AS u ON u.id = m."userId"
"""
STATEMENTS = {
    "add concept": (
        "INSERT INTO concepts (id, name, \"updatedAt\") VALUES (%(concept)s, %(word)s, '2026-01-01')"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name"
    ),
    "rename concept": "UPDATE concepts SET name = %(word)s WHERE id = %(concept)s",
    "describe concept": "UPDATE concepts SET description = %(word)s",
    "move concept": "UPDATE concepts SET id = %(other)s WHERE id = %(concept)s",
    "drop concept": "DELETE FROM concepts WHERE id = %(concept)s",
    "add prerequisite": (
        'INSERT INTO concept_prerequisites (id, "conceptId", "prerequisiteId")'
        " VALUES (%(word)s, %(concept)s, %(other)s)"
    ),
    "turn prerequisites": (
        'UPDATE concept_prerequisites SET "conceptId" = "prerequisiteId", "prerequisiteId" = "conceptId"'
    ),
    "drop prerequisite": 'DELETE FROM concept_prerequisites WHERE "conceptId" = %(concept)s',
    "master": (
        'INSERT INTO mastery_records (id, "userId", "conceptId", "masteryScore", "updatedAt")'
        " VALUES (%(word)s, %(user)s, %(concept)s, %(score)s, '2026-01-01')"
        ' ON CONFLICT ("userId", "conceptId") DO UPDATE SET "masteryScore" = excluded."masteryScore"'
    ),
    "hand over": 'UPDATE mastery_records SET "userId" = %(user)s WHERE "conceptId" = %(concept)s',
    "count attempts": 'UPDATE mastery_records SET "totalAttempts" = "totalAttempts" + 1',
    "forget": 'DELETE FROM mastery_records WHERE "userId" = %(user)s',
    "add user": (
        "INSERT INTO users (id, email, \"updatedAt\") VALUES (%(user)s, %(user)s, '2026-01-01') ON CONFLICT DO NOTHING"
    ),
    "opt out": 'UPDATE users SET "leaderboardOptOut" = NOT "leaderboardOptOut" WHERE id = %(user)s',
    "suspend": 'UPDATE users SET "isSuspended" = true, "suspendedUntil" = \'2030-01-01\' WHERE id = %(user)s',
    "rename user": "UPDATE users SET name = %(word)s",
    "move user": "UPDATE users SET id = %(word)s WHERE id = %(user)s",
    "drop user": "DELETE FROM users WHERE id = %(user)s",
    "truncate mastery": "TRUNCATE mastery_records",
    "truncate concepts": "TRUNCATE concepts CASCADE",
}
step = st.tuples(
    st.sampled_from(sorted(STATEMENTS)),
    st.fixed_dictionaries(
        {
            "user": st.sampled_from(["ann", "bob", "cyd"]),
            "concept": st.sampled_from(["c1", "c2", "c3", "c4"]),
            "other": st.sampled_from(["c1", "c2", "c3", "c4"]),
            "word": st.sampled_from(["w1", "w2", "w3"]),
            "score": st.sampled_from([0.0, 0.5, 1.0]),
        }
    ),
    st.booleans(),
)


def shown(connection: Connection) -> dict[Mark, str]:
    """Read what the graph would show, by key."""
    rows = connection.execute(SHOWN).fetchall()
    return {(row["kind"], row["key1"], row["key2"]): row["shown"] for row in rows}


def do(connection: Connection, doing: tuple[str, dict[str, Any], bool]) -> None:
    """Do one thing; it may be undone, and a mistake of the application undoes itself."""
    verb, values, undone = doing
    try:
        with connection.transaction(force_rollback=undone):
            connection.execute(STATEMENTS[verb].encode(), values)
    except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
        return


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.lists(step, min_size=1, max_size=5), min_size=1, max_size=5))
def test_what_is_shown_differently_is_marked(site: Site, history: list[list[tuple[str, dict[str, Any], bool]]]):
    with site.connect() as connection:
        connection.execute("TRUNCATE users, concepts CASCADE")
        small_world(connection)
        for transaction in history:
            before = shown(connection)
            with connection.transaction():
                for doing in transaction:
                    do(connection, doing)
            after, marked = shown(connection), take(connection)
            whole = {key1 for kind, key1, _ in marked if kind == "kind"}
            differs = {mark for mark in before.keys() | after.keys() if before.get(mark) != after.get(mark)}
            assert {mark for mark in differs if mark[0] not in whole} <= marked
