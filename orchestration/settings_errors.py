"""Turns a wrong setting into one line: its name, where it stands, what was found, what is allowed."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestration.errors import EspalierError

# Variables of ours that are not settings: the policy file, Dagster's storage folder, tests.
_OTHER_VARIABLES = frozenset(
    {"ESPALIER_CONFIG", "ESPALIER_DAGSTER_STORAGE", "ESPALIER_FAILPOINT", "ESPALIER_TEST_DATABASE_URL"}
)


def refuse_unknown_variables(settings: type[BaseModel]) -> None:
    """Refuse a variable ESPALIER_… that is no setting: a misspelt one would be ignored in silence.

    Raises:
        EspalierError: names the variable and the nearest one that exists.
    """
    known = {f"ESPALIER_{name.upper()}" for name in settings.model_fields} | _OTHER_VARIABLES
    for variable in sorted(v for v in os.environ if v.startswith("ESPALIER_")):
        if variable.partition("__")[0] not in known:
            raise EspalierError(f"{variable}: no such setting; {_nearest(variable, known)}")


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"allowed are {', '.join(names)}"


def explain(error: ValidationError, settings: type[BaseModel], file: Path) -> str:
    """Give the first mistake of a validation as one line."""
    details = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in details["loc"] if part != "function-after")
    where = _where(details["loc"], file)
    if details["type"] == "extra_forbidden":
        return f"{where}: {key}: no such key; {_nearest(str(details['loc'][-1]), _keys(settings, details['loc']))}"
    return f"{where}: {key}: {_message(details)}, found {_shown(details)}; correct it"


def _where(location: tuple[int | str, ...], file: Path) -> str:
    variable = f"ESPALIER_{location[0]}".upper()
    names = [v for v in os.environ if v == str(location[0]) or v.upper().partition("__")[0] == variable]
    return names[0] if names else str(file)


def _keys(settings: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    model: Any = settings
    for part in location[:-1]:
        model = model.model_fields[str(part)].annotation
    return list(model.model_fields)


def _message(details: ErrorDetails) -> str:
    return details["msg"].removeprefix("Value error, ")


def _shown(details: ErrorDetails) -> str:
    secret = any("url" in str(part).lower() for part in details["loc"])
    return "a value that is not shown" if secret else repr(details["input"])
