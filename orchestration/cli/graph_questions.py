"""Commands that ask the graph: `prerequisites`, `chain`, `path`, `weak`, `next`. They read, and are no runs.

What is asked is in `assets/graph/paths.py`. A user is looked up in Postgres first: who is unknown, or kept out of the
graph by policy, is told so instead of being given an empty answer.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from assets.graph import paths
from orchestration.cli.graph_site import asking
from orchestration.cli.output import Json, print_json, print_table, say

User = Annotated[str, typer.Argument(help="A user's id.", show_default=False)]
ConceptName = Annotated[str, typer.Argument(help="A concept's id, or its exact name.", show_default=False)]
Hops = Annotated[
    int | None, typer.Option(help="How far to walk; graph.max_hops of the policy when left out.", min=1, max=50)
]


def prerequisites(concept: ConceptName, hops: Hops = None, as_json: Json = False) -> None:
    """List what must be known before a concept, nearest first, to so many hops."""
    with asking() as (settings, g):
        bound = hops or settings.graph.max_hops
        found = paths.prerequisites(g, paths.find_concept(g, concept), bound)
    if as_json:
        print_json(asdict(found) | {"hops": bound})
        return
    rows = [(p.distance, p.name, p.domain or "-", p.difficulty, p.id) for p in found.prerequisites]
    _show(
        f"Before {found.concept.name}",
        ("hops", "concept", "domain", "difficulty", "id"),
        rows,
        f"{found.concept.name} needs nothing.",
    )
    _say_bound(bound, found.beyond_bound)


def chain(
    start: Annotated[str, typer.Argument(metavar="FROM", help="Where it begins: an id or an exact name.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="Where it ends: an id or an exact name.")],
    hops: Hops = None,
    as_json: Json = False,
) -> None:
    """Show a shortest chain of prerequisites from one concept to another."""
    with asking() as (settings, g):
        bound = hops or settings.graph.max_hops
        first, last = paths.find_concept(g, start), paths.find_concept(g, end)
        found = paths.shortest_chain(g, first.id, last.id, bound)
    if as_json:
        print_json({"from": first.id, "to": last.id, "hops": bound, "chain": found and [asdict(c) for c in found]})
    elif found:
        say(" → ".join(concept.name for concept in found))
    else:
        say(f"{first.name} is no prerequisite of {last.name} within {bound} hops.")


def path(user: User, concept: ConceptName, hops: Hops = None, as_json: Json = False) -> None:
    """Show what a user has yet to master for a concept, each after its own prerequisites."""
    with asking(user) as (settings, g):
        bound, mastered_from = hops or settings.graph.max_hops, settings.graph.mastered_from
        target = paths.find_concept(g, concept)
        found = paths.learning_path(g, user, target, hops=bound, mastered_from=mastered_from)
    if as_json:
        print_json({"user": user} | asdict(found) | {"hops": bound, "mastered_from": mastered_from})
        return
    rows = [(n, s.name, s.domain or "-", s.difficulty, _score(s.score), s.id) for n, s in enumerate(found.steps, 1)]
    columns = ("step", "concept", "domain", "difficulty", "score", "id")
    _show(f"{user}: to {target.name}", columns, rows, f"{user} has mastered {target.name} and all that it needs.")
    for cycle in found.cycles:
        say(f"These need each other, so they stand together: {', '.join(c.name for c in cycle)}.")
    _say_bound(bound, found.beyond_bound)


def weak(user: User, hops: Hops = None, as_json: Json = False) -> None:
    """List what a user is weak in; first what most of the concepts yet to be mastered build on."""
    with asking(user) as (settings, g):
        policy = settings.graph
        found = paths.weak_concepts(
            g,
            user,
            hops=hops or policy.max_hops,
            weak_below=policy.weak_below,
            mastered_from=policy.mastered_from,
        )
        nothing = "is weak in nothing" if paths.is_learner(g, user) else "has tried nothing yet"
    if as_json:
        limits = {"hops": hops or policy.max_hops, "weak_below": policy.weak_below}
        print_json({"user": user, "concepts": [asdict(w) for w in found]} | limits)
        return
    rows = [(w.blocks, w.name, w.domain or "-", _score(w.score), w.id) for w in found]
    title = f"{user}: weak (below {policy.weak_below})"
    _show(title, ("blocks", "concept", "domain", "score", "id"), rows, f"{user} {nothing}.")


def next_(user: User, as_json: Json = False) -> None:
    """List what a user can begin now: all of its prerequisites are mastered, it is not."""
    with asking(user) as (settings, g):
        mastered_from = settings.graph.mastered_from
        found = paths.next_concepts(g, user, mastered_from)
    if as_json:
        print_json({"user": user, "mastered_from": mastered_from, "concepts": [asdict(c) for c in found]})
        return
    rows = [(c.name, c.domain or "-", c.difficulty, _score(c.score), c.prerequisites, c.unlocks, c.id) for c in found]
    columns = ("concept", "domain", "difficulty", "score", "needs", "unlocks", "id")
    _show(f"{user}: can begin", columns, rows, f"{user} has nothing left to begin.")


def _show(title: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], nothing: str) -> None:
    listed = list(rows)
    if listed:
        print_table(title, columns, listed)
    else:
        say(nothing)


def _say_bound(hops: int, beyond: bool) -> None:
    if beyond:
        say(f"There is more beyond {hops} hops; ask again with --hops {min(50, 2 * hops)}.")


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"
