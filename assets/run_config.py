"""The base of every asset's run config: a value out of range is refused in one line, and not tried again.

What can be configured, and within which bounds, is declared beside each asset.
"""

from typing import Any

import dagster as dg
from pydantic import ValidationError

from orchestration.resources import REFUSED


class RunConfig(dg.Config):
    """A typed run config. Dagster knows the types of the fields, their bounds only pydantic does."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise dg.Failure(_one_line(error), metadata={REFUSED: True}, allow_retries=False) from None


def _one_line(error: ValidationError) -> str:
    wrong = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in wrong["loc"])
    said = wrong["msg"][0].lower() + wrong["msg"][1:]
    return f"run config: {name}: {said}, found {wrong['input']!r}; correct it and launch again"
