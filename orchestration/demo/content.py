"""Doubts, answers and votes as numbers: who, about what, when. Their text and columns are in `content_tables.py`.

Authors, voters and what is popular follow power laws; a third of the votes goes to those with whom one studies. The
planted groups write answers of their own and vote for those of their members.
"""

from dataclasses import dataclass

import numpy as np

from orchestration.demo import draws
from orchestration.demo.clock import DAY, HOUR, Window, between, quantile_shares
from orchestration.demo.draws import Bools, Ints
from orchestration.demo.people import People, study_mates

DOUBTS_A_USER, ANSWERS_A_USER = 1.5, 2.5
PLANTED_ANSWERS = 8


@dataclass(frozen=True)
class Doubts:
    """Questions in the order in which they were asked."""

    author: Ints
    at: Ints


@dataclass(frozen=True)
class Answers:
    """Answers: the ordinary ones in the order of time, then the planted ones.

    Attributes:
        doubt: the number of the doubt that is answered.
        author: who answered.
        at: when.
        accepted: numbers of the answers that were accepted, at most one a doubt.
        accepted_at: when these were.
    """

    doubt: Ints
    author: Ints
    at: Ints
    accepted: Ints
    accepted_at: Ints


@dataclass(frozen=True)
class Votes:
    """Votes in the order of time; nobody votes twice on the same content."""

    content: Ints
    voter: Ints
    up: Bools
    at: Ints


@dataclass(frozen=True)
class _Planted:
    """What the groups write and how they vote: answers by number from 0, votes by the number of the answer."""

    author: Ints
    at: Ints
    votes: Votes


def doubts(people: People, window: Window) -> Doubts:
    """Draw the doubts."""
    count = int(len(people) * DOUBTS_A_USER)
    author = draws.weighted("doubts/author", count, people.voice)
    at = between(people.joined[author], window.end, draws.uniform("doubts/at", count))
    order = np.argsort(at, kind="stable")
    return Doubts(author[order], at[order])


def answers(people: People, asked: Doubts, window: Window) -> tuple[Answers, Votes]:
    """Draw the answers, and with them the votes that the planted groups cast on theirs."""
    planted = _plant(people, window)
    doubt, author, at = _ordinary_answers(people, asked, window)
    planted_doubt = np.minimum(
        draws.below("answers/planted", len(planted.at), np.searchsorted(asked.at, planted.at)),
        len(asked.at) - 1,
    )
    votes = Votes(planted.votes.content + len(doubt), planted.votes.voter, planted.votes.up, planted.votes.at)
    doubt, at = np.concatenate([doubt, planted_doubt]), np.concatenate([at, planted.at])
    accepted, accepted_at = _accept(doubt, at, window)
    return Answers(doubt, np.concatenate([author, planted.author]), at, accepted, accepted_at), votes


def _ordinary_answers(people: People, asked: Doubts, window: Window) -> tuple[Ints, Ints, Ints]:
    count = int(len(people) * ANSWERS_A_USER)
    doubt = draws.weighted("answers/doubt", count, draws.power_law("answers/popular", len(asked.at)))
    author = draws.weighted("answers/author", count, people.voice)
    start = np.maximum(asked.at[doubt], people.joined[author])
    at = between(start, window.end, draws.spread("answers/at", count, quantile_shares(0.05)))
    order = np.argsort(at, kind="stable")
    return doubt[order], author[order], at[order]


def _accept(doubt: Ints, at: Ints, window: Window) -> tuple[Ints, Ints]:
    """Accept the first answer to every second doubt that has one."""
    _, first = np.unique(doubt, return_index=True)
    accepted = first[draws.happens("answers/accepted", len(first), 0.5)].astype(np.int64)
    share = draws.spread("answers/accepted_at", len(accepted), quantile_shares(0.02))
    return accepted, between(at[accepted], window.end, share)


def votes(
    stream: str, people: People, author: Ints, at: Ints, count: int, window: Window, planted: Votes | None = None
) -> Votes:
    """Draw about `count` votes on contents with these authors and times, and add the planted ones."""
    content = draws.weighted(f"{stream}/content", count, draws.power_law(f"{stream}/popular", len(at)))
    voter = _voters(stream, people, author[content])
    up = draws.happens(f"{stream}/up", count, np.where(_is_disliked(author[content]), 0.4, 0.93))
    share = draws.spread(f"{stream}/at", count, quantile_shares(0.03))
    cast = between(np.maximum(at[content], people.joined[voter]), window.end, share)
    return _once_each(planted, Votes(content, voter, up, cast), len(people))


def _voters(stream: str, people: People, author: Ints) -> Ints:
    """Somebody who reads a lot, or a study mate of the author; hardly ever the author (a few such votes exist)."""
    voter = draws.weighted(f"{stream}/voter", len(author), people.ear)
    mate = study_mates(people, author)
    friendly = draws.happens(f"{stream}/friendly", len(author), 0.33) & ~people.silent[mate]
    voter = np.where(friendly, mate, voter)
    vain = (voter == author) & ~draws.happens(f"{stream}/vain", len(author), 0.05)
    return np.where(vain & ~people.silent[mate], mate, voter)


def _is_disliked(users: Ints) -> Bools:
    return draws.happens("people/disliked", users, 0.04)


def _once_each(planted: Votes | None, drawn: Votes, users: int) -> Votes:
    """Keep the first vote of a user on a content (the planted one before others), in the order of time."""
    both = [vote for vote in (planted, drawn) if vote is not None]
    content, voter = np.concatenate([v.content for v in both]), np.concatenate([v.voter for v in both])
    up, at = np.concatenate([v.up for v in both]), np.concatenate([v.at for v in both])
    _, kept = np.unique(content * users + voter, return_index=True)
    order = kept[np.argsort(at[kept], kind="stable")]
    return Votes(content[order], voter[order], up[order], at[order])


def _plant(people: People, window: Window) -> _Planted:
    """Give each member of a group answers of their own, and the votes for them that the group is made of."""
    members = np.array([member for group in people.groups for member in group.members], dtype=np.int64)
    begins = _begins(people, window)
    author = np.repeat(members, PLANTED_ANSWERS)
    at = begins[author] + draws.below("planted/at", len(author), DAY // 2)
    number = {member: place for place, member in enumerate(members.tolist())}
    pairs = [(voter, number[target], group.is_ring) for group in people.groups for voter, target in group.edges()]
    return _Planted(author, at, _planted_votes(pairs, at, window))


def _begins(people: People, window: Window) -> Ints:
    """Give, by user, when the user's group begins: after the last member joined, and days before the end."""
    begins = np.zeros(len(people), dtype=np.int64)
    shares = draws.uniform("planted/begins", len(people.groups)).tolist()
    for group, share in zip(people.groups, shares, strict=True):
        complete = int(people.joined[list(group.members)].max()) + HOUR
        begins[list(group.members)] = complete + int(max(0, window.end - 4 * DAY - complete) * share)
    return begins


def _planted_votes(pairs: list[tuple[int, int, bool]], at: Ints, window: Window) -> Votes:
    """Rings vote up only, within two days; niches take their time and also disagree."""
    voter, target, ring = (np.repeat(np.array(column), PLANTED_ANSWERS) for column in zip(*pairs, strict=True))
    content = target * PLANTED_ANSWERS + np.tile(np.arange(PLANTED_ANSWERS), len(pairs))
    burst = at[content] + draws.below("planted/burst", len(content), 2 * DAY)
    calm = between(at[content], window.end, draws.uniform("planted/calm", len(content)))
    up = ring | draws.happens("planted/up", len(content), 0.8)
    kept = ring | draws.happens("planted/kept", len(content), 0.7)
    cast = np.where(ring, burst, calm)
    return Votes(content[kept], voter[kept], up[kept], cast[kept])
