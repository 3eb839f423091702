"""All tables of the rag domain's demo data, in an order in which foreign keys hold; the small ones rendered here.

Provenance is polymorphic: it points to materials, dialogues, articles that we do not hold, and now and then to nothing.
"""

from datetime import date

import numpy as np

from orchestration.demo import draws, phrases
from orchestration.demo.clock import DAY, HOUR, moments, window
from orchestration.demo.dialogue_table import IDS, USER_IDS, dialogue_table
from orchestration.demo.dialogues import dialogues
from orchestration.demo.draws import Ints
from orchestration.demo.plan import HISTORY_DAYS, Plan
from orchestration.demo.table import Block, Table, blank, choose, pick, uuids

_LICENSES = (
    "cc_by", "cc_by_sa", "cc_by_nc", "cc_by_nc_sa", "proprietary", "mit", "apache_2_0", "all_rights_reserved",
    "public_domain",
)  # fmt: skip
_METHODS = {
    "material": "manual_upload",
    "ai_response": "ai_generated",
    "note_article": "api_fetch",
}


def tables(plan: Plan) -> tuple[Table, ...]:
    """Draw the dialogues of a plan and give its tables, not yet rendered."""
    log = dialogues(plan.users, plan.last_day)
    materials = max(plan.users * 3 // 10, 1)
    return (
        _users_table(plan),
        _materials_table(plan.users, materials, plan.last_day),
        dialogue_table(log),
        _provenance_table(plan.users, materials, len(log.at), plan.last_day),
    )


def _before(stream: str, rows: Ints, last_day: date, days: int) -> Ints:
    """Draw instants of the first so many days of the history."""
    start = window(last_day, HISTORY_DAYS).start
    return start + draws.below(f"{stream}/day", rows, days) * DAY + draws.below(f"{stream}/time", rows, 24 * HOUR)


def _users_table(plan: Plan) -> Table:
    def block(rows: Ints) -> Block:
        joined = moments(_before("rag_users", rows, plan.last_day, 400))
        return {
            "id": uuids(USER_IDS, rows),
            "clerk_id": [f"user_{plan.label}_{row:07d}" for row in rows.tolist()],
            "email": [f"learner.{row}@{plan.mail_host}" for row in rows.tolist()],
            "name": choose("rag_users/name", rows, phrases.FIRST_NAMES),
            "role": choose("rag_users/role", rows, ("student",) * 19 + ("mentor",)),
            "skills": choose("rag_users/skills", rows, ("[]", '["piano"]', '["guitar", "harmony"]')),
            "created_at": joined,
            "updated_at": joined,
        }

    return Table("users", plan.users, block)


def _materials_table(users: int, materials: int, last_day: date) -> Table:
    def block(rows: Ints) -> Block:
        made = moments(_before("materials", rows, last_day, 430))
        kind = choose("materials/type", rows, ("text", "video", "score"))
        return {
            "id": uuids("materials/id", rows),
            "creator_id": uuids(USER_IDS, draws.below("materials/creator", rows, users)),
            "title": [f"{k.capitalize()} {row}" for k, row in zip(kind, rows.tolist(), strict=True)],
            "type": kind,
            "tags": choose("materials/tags", rows, ('["scales"]', '["harmony", "初級"]', "[]")),
            "difficulty": choose("materials/difficulty", rows, ("beginner", "intermediate", "advanced")),
            "is_public": draws.happens("materials/public", rows, 0.7).tolist(),
            "view_count": draws.spread("materials/views", rows, {0.0: 0, 0.9: 40, 1.0: 5000}).astype(int).tolist(),
            "created_at": made,
            "updated_at": made,
        }

    return Table("materials", materials, block)


def _provenance_table(users: int, materials: int, dialogue_rows: int, last_day: date) -> Table:
    """Give a row for each material, one for every 20th dialogue, and articles for one user in twenty."""
    answers, articles = dialogue_rows // 20, users // 20

    def block(rows: Ints) -> Block:
        kind = pick(tuple(_METHODS), np.searchsorted([materials, materials + answers], rows, side="right"))
        acquired = moments(_before("provenance", rows, last_day, 430))
        return {
            "id": uuids("provenance/id", rows),
            "content_id": _content_ids(rows, materials, answers),
            "content_type": kind,
            "source_uri": [f"{k}:{row}" for k, row in zip(kind, rows.tolist(), strict=True)],
            "license_type": choose("provenance/license", rows, _LICENSES),
            "acquisition_method": [_METHODS[k] for k in kind],
            "permission_flag": draws.happens("provenance/permitted", rows, 0.8).tolist(),
            "hash_sha256": [f"{word:016x}" * 4 for word in draws.bits("provenance/hash", rows).tolist()],
            "retention_years": blank(
                draws.below("provenance/years", rows, 8).tolist(), draws.happens("provenance/forever", rows, 0.4)
            ),
            "access_policy": choose("provenance/policy", rows, ('{"public": true}', '{"roles": ["mentor"]}')),
            "acquired_by": uuids(USER_IDS, draws.below("provenance/acquirer", rows, users)),
            "acquired_at": acquired,
            "created_at": acquired,
            "updated_at": acquired,
        }

    return Table("provenance", materials + answers + articles, block)


def _content_ids(rows: Ints, materials: int, answers: int) -> list[str]:
    """Name the contents: a material, a dialogue or an article; one row in 200 names what is gone."""
    material, dialogue = uuids("materials/id", rows), uuids(IDS, (rows - materials) * 20)
    article = uuids("provenance/article", rows)
    present = [
        m if row < materials else d if row < materials + answers else a
        for row, m, d, a in zip(rows.tolist(), material, dialogue, article, strict=True)
    ]
    gone = draws.happens("provenance/orphan", rows, 1 / 200).tolist()
    return [a if lost else p for p, a, lost in zip(present, article, gone, strict=True)]
