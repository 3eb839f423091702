"""Jobs are killed on the newest Postgres only: how they resume does not depend on the version of the server."""

from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the runs on the older Postgres, and say so to pytest."""
    older = [item for item in items if HERE in item.path.parents and _is_older(item)]
    config.hook.pytest_deselected(items=older)
    items[:] = _without(items, older)


def _is_older(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and hasattr(item, "callspec") and item.callspec.params.get("server") == 16


def _without(items: Sequence[pytest.Item], left_out: Sequence[pytest.Item]) -> list[pytest.Item]:
    names = {item.nodeid for item in left_out}
    return [item for item in items if item.nodeid not in names]
