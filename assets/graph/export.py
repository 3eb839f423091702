"""The export: the graph as CSV files with a manifest, a folder a day, kept for `graph.export_days`.

The files are what Postgres' COPY reads (strings quoted, NULL empty), in the order of their keys, so that equal graphs
give equal files. Nothing secret is in them; but they name users, so only the owner of the site's home may read them.
"""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import sql
from assets.graph import lease
from assets.graph.drain import NEEDS, TABLES
from assets.graph.repair import PATIENCE_S
from orchestration.errors import EspalierError
from orchestration.graph import Graph, GraphSession
from orchestration.resources import Postgres

CYPHER = sql.load("graph", "export", "cypher")
MANIFEST = "manifest.json"
COLUMNS: Mapping[str, Sequence[str]] = {
    "concepts": ("id", "name", "domain", "difficulty", "createdAt"),
    "domains": ("name",),
    "users": ("id",),
    "part_of": ("concept", "domain"),
    "prerequisite_of": ("prerequisite", "concept"),
    "mastered_by": ("user", "concept", "score", "updatedAt"),
}
_RENEW_S = 10


@dataclass(frozen=True)
class Sheet:
    """One file: its rows below the head, its size, its checksum, its columns."""

    rows: int
    bytes: int
    sha256: str
    columns: list[str]


@dataclass(frozen=True)
class Export:
    """One export: where it is, of what time and epoch, and its files."""

    folder: Path
    as_of: datetime
    epoch: str
    sheets: Mapping[str, Sheet]

    @property
    def counts(self) -> dict[str, int]:
        """The rows of each file."""
        return {name: sheet.rows for name, sheet in self.sheets.items()}


def export(postgres: Postgres, graph: Graph, *, as_of: datetime | None = None) -> Export:
    """Write the graph as it stands into the folder of a day, verify it, and delete the exports that are too old.

    Nobody writes the graph meanwhile. An export of the same day is replaced when the new one is complete.

    Raises:
        EspalierError: the graph is not ours, somebody does not stop writing it, or what was written reads differently.
    """
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    home = exports_folder(postgres.settings.home)
    with (
        postgres.session("community", needs=NEEDS, tables=TABLES) as session,
        graph.session() as live,
        lease.hold(session, live, holder="export", wait=PATIENCE_S) as held,
    ):
        _clear(home)
        made = _write(live, held, home / f".{now.date()}", now)
        verify(made.folder)
        final = _publish(made.folder, home / now.date().isoformat())
    _forget(home, now.date() - timedelta(days=postgres.settings.graph.export_days))
    return Export(final, made.as_of, made.epoch, made.sheets)


def exports_folder(home: Path) -> Path:
    """Name the folder of a site's exports of the graph, and make it."""
    folder = home / "exports" / "graph"
    for path in (folder.parent, folder):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _clear(home: Path) -> None:
    """Delete what exports left behind that did not come to their end; under the lease there is no other."""
    for path in home.glob(".*"):
        shutil.rmtree(path)


def _write(live: GraphSession, held: lease.Lease, folder: Path, as_of: datetime) -> Export:
    folder.mkdir(mode=0o700)
    sheets = {name: _write_sheet(live, held, folder / f"{name}.csv", name) for name in COLUMNS}
    written = {name: asdict(sheet) for name, sheet in sheets.items()}
    manifest = {"as_of": as_of.isoformat(), "epoch": held.epoch, "files": written}
    with open(folder / MANIFEST, "w", opener=_private) as file:
        json.dump(manifest, file, indent=2)
    return Export(folder, as_of, held.epoch, sheets)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write_sheet(live: GraphSession, held: lease.Lease, path: Path, name: str) -> Sheet:
    digest, rows, size = hashlib.sha256(), -1, 0
    with open(path, "wb", opener=_private) as file:
        for line in _lines(live, held, name):
            file.write(line)
            digest.update(line)
            rows, size = rows + 1, size + len(line)
    return Sheet(rows, size, digest.hexdigest(), list(COLUMNS[name]))


def _lines(live: GraphSession, held: lease.Lease, name: str) -> Iterator[bytes]:
    """Give the lines of a file, its head first; the lease is kept meanwhile."""
    yield _line(COLUMNS[name])
    renewed = monotonic()
    for _, rows in live.rows(CYPHER[f"export_{name}"]):
        if monotonic() - renewed > _RENEW_S:
            held.renew()
            renewed = monotonic()
        yield from map(_line, rows)


def _line(values: Iterable[Any]) -> bytes:
    return (",".join(map(_field, values)) + "\n").encode()


def _field(value: Any) -> str:
    """Write a value as COPY reads it: an empty field is NULL, a string stands in quotes."""
    if value is None:
        return ""
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else repr(value)


def verify(folder: Path) -> None:
    """Read an export again and compare it with its manifest.

    Raises:
        EspalierError: names the file that is not what the manifest says.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (FileNotFoundError, ValueError) as error:
        raise EspalierError(f"{folder / MANIFEST}: cannot be read ({error}); export again") from None
    for name, sheet in manifest["files"].items():
        path = folder / f"{name}.csv"
        if not path.is_file() or read_sheet(path) != Sheet(**sheet):
            raise EspalierError(f"{path}: is not what its manifest says; export again with `espalier graph export`")


def read_sheet(path: Path) -> Sheet:
    """Read a file as its manifest describes it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    csv.field_size_limit(2**31 - 1)
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        rows = sum(1 for _ in reader)
    return Sheet(rows, path.stat().st_size, digest, columns)


def _publish(made: Path, final: Path) -> Path:
    """Put a complete export in its place; one of the same day goes."""
    before = final.with_name(f".{final.name}.before")
    if final.exists():
        final.rename(before)
    made.rename(final)
    shutil.rmtree(before, ignore_errors=True)
    return final


def _forget(home: Path, oldest: date) -> None:
    """Delete the exports of days before the oldest that is kept."""
    for folder in home.iterdir():
        try:
            day = date.fromisoformat(folder.name)
        except ValueError:
            continue
        if day < oldest:
            shutil.rmtree(folder)
