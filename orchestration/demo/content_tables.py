"""The rows of `doubts`, `answers`, `doubt_votes`, `answer_votes` and `points_ledger`, rendered from their numbers.

The texts hold what breaks careless loaders: quotes, line breaks, tabs, backslashes, other scripts.
"""

from collections.abc import Sequence

import numpy as np

from orchestration.demo import draws, phrases
from orchestration.demo.clock import moments
from orchestration.demo.content import Answers, Votes
from orchestration.demo.draws import Bools, Ints
from orchestration.demo.ledger import EVENTS, Content, Events
from orchestration.demo.table import Block, Table, blank, choose, ids, pick, uuids


def content_tables(content: Content) -> tuple[Table, ...]:
    """Give what was written and voted, in the order of the foreign keys."""
    return (
        _doubts_table(content),
        _answers_table(content.answers),
        _votes_table("doubt_votes", "doubt", content.doubt_votes),
        _votes_table("answer_votes", "answer", content.answer_votes),
    )


def _doubts_table(content: Content) -> Table:
    doubts, count = content.doubts, len(content.doubts.at)
    resolved = np.isin(np.arange(count), content.answers.doubt[content.answers.accepted])

    def block(rows: Ints) -> Block:
        asked = moments(doubts.at[rows])
        return {
            "id": ids("doubt", rows),
            **_question(rows),
            "isAnonymous": draws.happens("doubts/anonymous", rows, 0.08).tolist(),
            "authorId": ids("user", doubts.author[rows]),
            "createdAt": asked,
            "updatedAt": asked,
            "upvotes": _tally(content.doubt_votes, rows, up=True).tolist(),
            "downvotes": _tally(content.doubt_votes, rows, up=False).tolist(),
            "isResolved": resolved[rows].tolist(),
            "isInCommunity": draws.happens("doubts/in_community", rows, 0.2).tolist(),
        }

    return Table("doubts", count, block)


def _question(rows: Ints) -> Block:
    subject = pick(phrases.SUBJECTS, draws.weighted("doubts/subject", rows, 1.0 / np.arange(1, 12)))
    topic = [
        phrases.TOPICS[name][place % len(phrases.TOPICS[name])]
        for name, place in zip(subject, draws.below("doubts/topic", rows, 60).tolist(), strict=True)
    ]
    question = choose("doubts/question", rows, phrases.QUESTIONS)
    return {
        "title": [q.format(topic=t) for q, t in zip(question, topic, strict=True)],
        "content": choose("doubts/details", rows, phrases.DETAILS),
        "tags": blank(_tags(subject, topic), draws.happens("doubts/untagged", rows, 0.2)),
        "subject": subject,
    }


def _tags(subject: Sequence[str], topic: Sequence[str]) -> list[list[str]]:
    return [[s.lower(), t] for s, t in zip(subject, topic, strict=True)]


def _tally(votes: Votes, rows: Ints, *, up: bool) -> Ints:
    """Count the votes on these contents."""
    wanted = votes.content[votes.up if up else ~votes.up]
    inside = wanted[(wanted >= rows[0]) & (wanted <= rows[-1])]
    return np.bincount(inside - rows[0], minlength=len(rows)).astype(np.int64)


def _answers_table(answers: Answers) -> Table:
    accepted = np.isin(np.arange(len(answers.at)), answers.accepted)

    def block(rows: Ints) -> Block:
        written = moments(answers.at[rows])
        return {
            "id": ids("answer", rows),
            "content": choose("answers/advice", rows, phrases.ADVICE),
            "doubtId": ids("doubt", answers.doubt[rows]),
            "authorId": ids("user", answers.author[rows]),
            "createdAt": written,
            "updatedAt": written,
            "isAnswered": blank(uuids("answers/accepted", rows), ~accepted[rows]),
            "isAiAssisted": draws.happens("answers/assisted", rows, 0.15).tolist(),
        }

    return Table("answers", len(answers.at), block)


def _votes_table(name: str, kind: str, votes: Votes) -> Table:
    def block(rows: Ints) -> Block:
        return {
            "id": ids(f"{kind}_vote", rows),
            "type": _up_or_down(votes.up[rows]),
            "userId": ids("user", votes.voter[rows]),
            f"{kind}Id": ids(kind, votes.content[rows]),
            "createdAt": moments(votes.at[rows]),
        }

    return Table(name, len(votes.at), block)


def _up_or_down(up: Bools) -> list[str]:
    return ["UP" if good else "DOWN" for good in up.tolist()]


def ledger_table(entries: Events) -> Table:
    """Give `points_ledger`; the ids follow the order of arrival, in which a few rows are late."""

    def block(rows: Ints) -> Block:
        kind = pick(EVENTS, entries.kind[rows])
        story = [name.replace("_", " ").capitalize() for name in kind]
        return {
            "id": ids("points", rows),
            "userId": ids("user", entries.user[rows]),
            "eventType": kind,
            "points": entries.points[rows].tolist(),
            "description": blank(story, draws.happens("points/undescribed", rows, 0.4)),
            "createdAt": moments(entries.at[rows]),
        }

    return Table("points_ledger", len(entries.at), block)
