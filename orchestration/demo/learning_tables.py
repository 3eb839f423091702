"""The rows of `concepts`, `concept_prerequisites`, `concept_attempts` and `mastery_records`."""

import numpy as np

from orchestration.demo import draws
from orchestration.demo.clock import DAY, Window, moments
from orchestration.demo.curriculum import CONCEPTS, prerequisites
from orchestration.demo.draws import Ints
from orchestration.demo.learning import Attempts, Mastery, mastery
from orchestration.demo.table import Block, Table, blank, ids


def curriculum_tables(window: Window) -> tuple[Table, Table]:
    """Give the concepts and what must be known before what."""
    pairs = np.array(list(prerequisites()), dtype=np.int64)

    def concepts(rows: Ints) -> Block:
        chosen = [CONCEPTS[row] for row in rows.tolist()]
        written = moments(window.start + rows * DAY // 8)
        return {
            "id": ids("concept", rows),
            "name": [c.name for c in chosen],
            "description": [f"{c.name}, as taught in {c.domain}" for c in chosen],
            "domain": [c.domain for c in chosen],
            "difficulty": [c.difficulty for c in chosen],
            "createdAt": written,
            "updatedAt": written,
        }

    def edges(rows: Ints) -> Block:
        return {
            "id": ids("prerequisite", rows),
            "conceptId": ids("concept", pairs[rows, 0]),
            "prerequisiteId": ids("concept", pairs[rows, 1]),
        }

    return Table("concepts", len(CONCEPTS), concepts), Table("concept_prerequisites", len(pairs), edges)


def learning_tables(tried: Attempts) -> tuple[Table, Table]:
    """Give the attempts and the mastery recorded from them."""
    return _attempts_table(tried), _mastery_table(mastery(tried))


def _attempts_table(tried: Attempts) -> Table:
    def block(rows: Ints) -> Block:
        seconds = draws.spread("attempts/seconds", rows, {0.0: 4, 0.5: 45, 0.95: 300, 1.0: 3600}).astype(int)
        return {
            "id": ids("attempt", rows),
            "userId": ids("user", tried.user[rows]),
            "conceptId": ids("concept", tried.concept[rows]),
            "isCorrect": tried.correct[rows].tolist(),
            "timeTakenSeconds": blank(seconds.tolist(), draws.happens("attempts/untimed", rows, 0.05)),
            "hintsUsed": tried.hints[rows].tolist(),
            "masteryScoreBefore": tried.before[rows].tolist(),
            "masteryScoreAfter": tried.after[rows].tolist(),
            "createdAt": moments(tried.at[rows]),
        }

    return Table("concept_attempts", len(tried.at), block)


def _mastery_table(known: Mastery) -> Table:
    def block(rows: Ints) -> Block:
        total, seen = known.total[rows], moments(known.last[rows])
        return {
            "id": ids("mastery", rows),
            "userId": ids("user", known.user[rows]),
            "conceptId": ids("concept", known.concept[rows]),
            "totalAttempts": total.tolist(),
            "correctAttempts": known.correct[rows].tolist(),
            "masteryScore": (known.correct[rows] / total).tolist(),
            "confidenceWeight": (1 - np.minimum(0.3, 0.1 * known.hints[rows] / total)).tolist(),
            "lastSeen": seen,
            "createdAt": moments(known.first[rows]),
            "updatedAt": seen,
        }

    return Table("mastery_records", len(known.user), block)
