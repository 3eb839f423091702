"""The rows of `ai_dialogue_log`, rendered: texts, citations, latency, cost, tokens, feedback, and their dirt.

The dirt is what the real log accepts: citations that are no array, sources that are null, negative latency, a relevance
of 1.5, no cost, a cost of 0.
"""

import numpy as np

from orchestration.demo import citations, draws
from orchestration.demo.clock import moments
from orchestration.demo.dialogues import COSTLY_DAYS, IRRELEVANT_DAYS, SLOW_DAYS, UNCITED_DAYS, Dialogues
from orchestration.demo.draws import Floats, Ints
from orchestration.demo.table import Block, Table, blank, choose, pick, uuids

IDS = "dialogues/id"
USER_IDS = "rag_users/id"

_LATENCY = {0.0: 120, 0.5: 900, 0.9: 1_900, 0.95: 2_600, 0.99: 5_200, 1.0: 20_000}
_RELEVANCE = {0.0: 0.2, 0.1: 0.6, 0.5: 0.82, 1.0: 0.99}
_MODELS = ("gpt-4o-mini", "gpt-4o-mini", "gpt-4o-mini", "gpt-4o", "claude-3-5-sonnet")
_QUERIES = (
    "How should I practise scales?",
    "ハ長調の練習方法を教えてください",
    "Which exercise fits my level?",
    'What does "rubato" mean,\tand when do I use it?',
    "次のレッスンまでに何を準備すればいいですか。",
    "Explain the circle of fifths.\nI know the major keys.",
)
_RESPONSES = (
    "Begin slowly, hands apart, and raise the tempo once the fingering is settled; the cited exercise has the pattern.",
    "ゆっくりしたテンポから始めて、引用した教材の第2章を参考にしてください。",
    "The material cited below goes through it in three steps, with an example for each.",
    "I found nothing in the materials that answers this; here is a general explanation instead.",
)


def dialogue_table(log: Dialogues) -> Table:
    """Give `ai_dialogue_log`."""

    def block(rows: Ints) -> Block:
        return {
            "id": uuids(IDS, rows),
            "user_id": uuids(USER_IDS, log.user[rows]),
            "session_id": uuids("dialogues/session", log.session[rows]),
            "query": choose("dialogues/query", rows, _QUERIES),
            "response": choose("dialogues/response", rows, _RESPONSES),
            "model_used": choose("dialogues/model", rows, _MODELS),
            "created_at": moments(log.at[rows], "us"),
            "updated_at": moments(log.arrived[rows], "us"),
            **_cited(log, rows),
            **_measured(log, rows),
            **_judged(log, rows),
        }

    return Table("ai_dialogue_log", len(log.at), block)


def _cited(log: Dialogues, rows: Ints) -> Block:
    cited = draws.happens("dialogues/cited", rows, np.where(log.on(rows, UNCITED_DAYS), 0.55, 0.84))
    good = pick(citations.pool(), draws.below("dialogues/citations", rows, citations.POOL))
    dirty = draws.happens("dialogues/dirty", rows, 0.009)
    bad = choose("dialogues/dirt", rows, citations.DIRT)
    kinds = zip(good, bad, cited.tolist(), dirty.tolist(), strict=True)
    text = [b if is_dirty else g if is_cited else citations.NONE for g, b, is_cited, is_dirty in kinds]
    share = np.where(cited, 40 + 60 * draws.uniform("dialogues/rate", rows), 0.0)
    return {
        "citations": blank(text, draws.happens("dialogues/unlogged", rows, 0.02)),
        "citation_rate": blank(_rounded(share), draws.happens("dialogues/unrated", rows, 0.04)),
    }


def _measured(log: Dialogues, rows: Ints) -> Block:
    latency = draws.spread("dialogues/latency", rows, _LATENCY) * np.where(log.on(rows, SLOW_DAYS), 2.2, 1.0)
    latency = np.where(draws.happens("dialogues/negative", rows, 1 / 700), -latency, latency)
    prompt, completion = 400 + draws.below("dialogues/prompt", rows, 1_400), draws.below("dialogues/reply", rows, 900)
    cost = (prompt + completion) * np.where(log.on(rows, COSTLY_DAYS), 0.003, 0.0013)
    cost = np.where(draws.happens("dialogues/cached", rows, 0.03), 0.0, cost)
    uncounted = draws.happens("dialogues/uncounted", rows, 0.02)
    return {
        "latency_ms": blank(latency.astype(np.int64).tolist(), draws.happens("dialogues/untimed", rows, 0.015)),
        "token_cost_jpy": blank(_rounded(cost), draws.happens("dialogues/unpriced", rows, 0.03)),
        "prompt_tokens": blank(prompt.tolist(), uncounted),
        "completion_tokens": blank(completion.tolist(), uncounted),
        "total_tokens": blank((prompt + completion).tolist(), uncounted),
        "context_window_size": pick(("4096", "8192", "16384"), draws.below("dialogues/window", rows, 3)),
        "temperature": pick(("0.00", "0.30", "0.70"), draws.below("dialogues/temperature", rows, 3)),
    }


def _judged(log: Dialogues, rows: Ints) -> Block:
    relevance = draws.spread("dialogues/relevance", rows, _RELEVANCE)
    relevance = np.where(log.on(rows, IRRELEVANT_DAYS), relevance * 0.75, relevance)
    relevance = np.where(draws.happens("dialogues/overrated", rows, 1 / 800), 1.5, relevance)
    opinion = draws.weighted("dialogues/feedback", rows, np.array([0.2, 0.3, 0.5])) - 1
    return {
        "relevance_score": blank(_rounded(relevance), draws.happens("dialogues/unscored", rows, 0.05)),
        "user_feedback": blank(opinion.tolist(), draws.happens("dialogues/silent", rows, 0.7)),
    }


def _rounded(values: Floats) -> list[float]:
    return np.round(values, 2).tolist()
