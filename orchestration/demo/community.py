"""All tables of the community domain's demo data, in an order in which foreign keys hold."""

from orchestration.demo import plan as plans
from orchestration.demo.clock import DAY, Window, window
from orchestration.demo.content import answers, doubts, votes
from orchestration.demo.content_tables import content_tables, ledger_table
from orchestration.demo.learning import attempts
from orchestration.demo.learning_tables import curriculum_tables, learning_tables
from orchestration.demo.ledger import Content, history, ledger
from orchestration.demo.people import People, people
from orchestration.demo.people_tables import user_stats_table, users_table
from orchestration.demo.plan import Plan
from orchestration.demo.table import Table

DOUBT_VOTES_A_USER, ANSWER_VOTES_A_USER = 4, 8


def tables(plan: Plan) -> tuple[Table, ...]:
    """Draw the community of a plan and give its tables, not yet rendered."""
    span = window(plan.last_day, plans.HISTORY_DAYS)
    folk = people(plan.users, span)
    content = _content(folk, span)
    events = history(folk, content, span)
    return (
        users_table(folk, events, span, plan.mail_host),
        user_stats_table(folk, events, span),
        *content_tables(content),
        ledger_table(ledger(events, span.end - plans.LEDGER_DAYS * DAY)),
        *curriculum_tables(span),
        *learning_tables(attempts(folk, span)),
    )


def _content(folk: People, span: Window) -> Content:
    asked = doubts(folk, span)
    given, planted = answers(folk, asked, span)
    on_doubts = len(folk) * DOUBT_VOTES_A_USER
    on_answers = len(folk) * ANSWER_VOTES_A_USER
    return Content(
        asked,
        given,
        votes("doubt_votes", folk, asked.author, asked.at, on_doubts, span),
        votes("answer_votes", folk, given.author, given.at, on_answers, span, planted),
    )
