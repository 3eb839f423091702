"""The cycles among prerequisites: concepts that cannot be learned in any order, each cycle named with its path.

The walks over edges are in `ordering.py`.
"""

from collections.abc import Iterable, Mapping, Sequence

import sql
from assets.graph import ordering
from orchestration.resources import Transaction

QUERIES = sql.load("graph", "checks")


def find_cycles(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Find the cycles of (prerequisite, concept) pairs, shortest ones that together hold every concept of any cycle.

    Returns:
        Each cycle without its end; a concept that needs itself is a cycle of one.
    """
    leads_to: dict[str, set[str]] = {}
    for prerequisite, concept in pairs:
        leads_to.setdefault(prerequisite, set()).add(concept)
        leads_to.setdefault(concept, set())
    found = ordering.cycles(leads_to)
    named = {cycle[0] for cycle in found if len(cycle) == 1}
    own = sorted(concept for concept, others in leads_to.items() if concept in others and concept not in named)
    return [*found, *([concept] for concept in own)]


def written(cycle: Sequence[str], names: Mapping[str, str]) -> str:
    """Write a cycle as a path that comes round to its beginning."""
    return " → ".join(names.get(concept, concept) for concept in [*cycle, cycle[0]])


def read_cycles(tx: Transaction) -> list[str]:
    """Find the cycles in the table of prerequisites and write each with the names of its concepts."""
    pairs = ((row["prerequisite"], row["concept"]) for row in tx.all(QUERIES["read_prerequisites"]))
    found = find_cycles(pairs)
    ids = sorted({concept for cycle in found for concept in cycle})
    names = {row["id"]: row["name"] for row in tx.all(QUERIES["read_names"], {"ids": ids})}
    return [written(cycle, names) for cycle in found]
