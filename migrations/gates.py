"""When a contract revision may be taken: questions whose answers are what still stands in its way.

A contract revision lists them in `WAITS_FOR`, the cheap ones first. The same text is asked before the first step, and
again by the revision itself, in its own transaction and under its locks, so that an answer cannot grow old in between.
"""

from collections.abc import Iterable

_QUESTION = """
    SELECT w.reason INTO reason FROM ({}) AS w(reason) LIMIT 1;
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = reason;
    END IF;
"""


def guard(questions: Iterable[str]) -> str:
    """Write the statement that refuses to go on while a question has an answer."""
    asked = "".join(_QUESTION.format(question.strip()) for question in questions)
    return f"DO $gate$\nDECLARE\n    reason text;\nBEGIN{asked}END\n$gate$"
