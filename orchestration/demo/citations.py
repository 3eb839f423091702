"""Citations of the demo's dialogues as JSON text: a pool of good ones, and the dirt that real logs hold.

The good ones name materials and articles, popular ones more often. Which dialogue gets which is in `dialogues.py`.
"""

import json
from functools import cache

from orchestration.demo import draws
from orchestration.demo.draws import Ints
from orchestration.demo.table import uuids

POOL = 4_096
SOURCES = 1_500

NONE = "[]"

# Not arrays, arrays of things that are no citations, citations without a source, one source cited twice.
DIRT = (
    "null",
    '{"source": "https://note.com/demo/n/object"}',
    '"https://note.com/demo/n/text"',
    "42",
    "[null]",
    '[{"source": null, "title": "source lost"}]',
    '[{"title": "source missing"}, {"source": "https://note.com/demo/n/kept"}]',
    '["https://note.com/demo/n/bare"]',
    '[{"source": "https://note.com/demo/n/twice"}, {"source": "https://note.com/demo/n/twice"}]',
)

_TITLES = ("Lecture notes", "Worked example", "ピアノ練習の記録", "A short history", "Exercise sheet", "譜読みのコツ")


@cache
def sources() -> tuple[str, ...]:
    """Give everything that can be cited: materials of the site and articles of note.com, in turn."""
    numbers = draws.shuffled("citations/sources", SOURCES)
    return tuple(
        f"material:{uuid}" if place % 2 else f"https://note.com/demo/n/{uuid[:13]}"
        for place, uuid in enumerate(uuids("citations/source", numbers))
    )


@cache
def pool() -> tuple[str, ...]:
    """Give the arrays of citations from which those of the dialogues are drawn."""
    sizes = 1 + draws.below("citations/size", POOL, 5)
    popular = draws.power_law("citations/popular", SOURCES)
    chosen = draws.weighted("citations/chosen", int(sizes.sum()), popular)
    scores = draws.below("citations/score", len(chosen), 100)
    ends = sizes.cumsum()
    return tuple(
        _array(chosen[end - size : end], scores[end - size : end]) for size, end in zip(sizes, ends, strict=True)
    )


def _array(chosen: Ints, scores: Ints) -> str:
    cited = [
        {"source": sources()[number], "title": _TITLES[number % len(_TITLES)], "score": score / 100}
        for number, score in zip(chosen.tolist(), scores.tolist(), strict=True)
    ]
    return json.dumps(cited, ensure_ascii=False)
