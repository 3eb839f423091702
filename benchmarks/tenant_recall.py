"""Whether a search by vector finds an organization's nearest rows behind the tenant isolation, and how long it takes.

    python -m benchmarks.tenant_recall [--rows 50000] [--queries 100]

A hundred organizations have 1 % of the nuggets each. A vector index knows no organization: it gives the nearest rows of
all, and the policy leaves one in a hundred. `enter_organization` therefore has the scan go on until there are enough.
Measured with and without that, as the planner likes it and with the vector index forced, for rows that lie scattered
and for an organization whose rows lie together, far from what is asked. Starts a Postgres of its own in a temporary
ESPALIER_HOME and removes it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import psycopg
from psycopg.rows import DictRow, dict_row

from migrations import runner
from orchestration.cli.output import say
from orchestration.cli.site import serving
from orchestration.settings import LmsPolicy, Settings

Connection = psycopg.Connection[DictRow]
NEAREST, DIMENSIONS, MEANT = 10, 1536, 32
SCATTERED, TOGETHER = "org-1", "org-0"
_SEARCH = "SELECT id FROM nuggets ORDER BY embedding <=> %s::extensions.vector LIMIT 10"
_EXACT = "SELECT id FROM nuggets WHERE organization_id = %s ORDER BY embedding <=> %s::extensions.vector LIMIT 10"
_FORCED = ("SET LOCAL enable_seqscan = off", "SET LOCAL enable_bitmapscan = off", "SET LOCAL enable_sort = off")


def fill(owner: Connection, rows: int, organizations: int = 100) -> None:
    """Insert organizations with an equal share of the nuggets, and build the vector index; the first lies apart."""
    random = np.random.default_rng(7)
    with owner.transaction():
        owner.execute("SET LOCAL row_security = on")
        owner.execute("SELECT espalier.enter_every_organization()")
        owner.execute(
            "INSERT INTO organizations (id, name, updated_at) SELECT 'org-' || n, n, now()"
            " FROM generate_series(0, %s) AS n",
            [organizations - 1],
        )
        owner.execute("CREATE TEMP TABLE loaded (LIKE nuggets INCLUDING DEFAULTS) ON COMMIT DROP")
        copy = "COPY loaded (id, organization_id, content, status, updated_at, embedding) FROM STDIN"
        with owner.cursor() as cursor, cursor.copy(copy) as lines:
            for number in range(rows):
                organization = f"org-{number % organizations}"
                point = random.normal(size=MEANT) + (3 if organization == TOGETHER else 0)
                lines.write_row((str(number), organization, "a set", "ready", "2026-01-01", written(point)))
        owner.execute("INSERT INTO nuggets SELECT * FROM loaded")  # COPY itself does not go past policies
    owner.execute("SET maintenance_work_mem = '512MB'")
    owner.execute("CREATE INDEX nuggets_embedding_hnsw ON nuggets USING hnsw (embedding extensions.vector_cosine_ops)")
    owner.execute("ANALYZE nuggets")


def written(point: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> str:
    """Write an embedding of the application's dimensions, most of which say nothing."""
    return f"[{','.join(f'{x:.4f}' for x in point)}{',0' * (DIMENSIONS - MEANT)}]"


def questions(number: int) -> list[str]:
    """Make what is searched for."""
    random = np.random.default_rng(11)
    return [written(random.normal(size=MEANT)) for _ in range(number)]


def nearest(owner: Connection, organization: str, question: str) -> set[str]:
    """Find the nearest rows of an organization for certain."""
    with owner.transaction():
        owner.execute("SET LOCAL row_security = on")
        owner.execute("SET LOCAL enable_indexscan = off")
        owner.execute("SELECT espalier.enter_every_organization()")
        return {row["id"] for row in owner.execute(_EXACT, [organization, question])}


def found(app: Connection, token: str, question: str, *, scan: str | None, forced: bool) -> tuple[set[str], float]:
    """Search as the application does, in the organization of the token; gives the rows and the milliseconds."""
    with app.transaction():
        for statement in _FORCED if forced else ():
            app.execute(statement)
        app.execute("SELECT espalier.enter_organization(%s)", [token])
        if scan:
            app.execute("SELECT set_config('hnsw.iterative_scan', %s, true)", [scan])
        started = perf_counter()
        rows = {row["id"] for row in app.execute(_SEARCH, [question], prepare=False)}
        return rows, (perf_counter() - started) * 1000


def measure(
    owner: Connection, app: Connection, organization: str, asked: Sequence[str], *, scan: str | None, forced: bool
) -> tuple[float, float]:
    """Give the recall of the ten nearest, and the median of milliseconds."""
    signed = owner.execute("SELECT espalier.sign_organization(%s, 3600) AS token", [organization]).fetchall()
    sought = [nearest(owner, organization, question) for question in asked]
    answers = [found(app, signed[0]["token"], question, scan=scan, forced=forced) for question in asked]
    shares = [len(rows & wanted) / len(wanted) for (rows, _), wanted in zip(answers, sought, strict=True)]
    return mean(shares), median(milliseconds for _, milliseconds in answers)


def open_role(settings: Settings, role: str) -> Connection:
    """Connect as a role, with the path of the domain."""
    url = settings.url("app" if role == "app" else "migrator")
    connection = psycopg.Connection[DictRow].connect(url, autocommit=True, row_factory=dict_row)
    connection.execute("SET search_path = lms, extensions")
    return connection


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tenant_recall", description=(__doc__ or "")[:100])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=100)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), domains=("lms",), lms=LmsPolicy(tenant_isolation=True))
        with serving(settings):
            runner.migrate(settings, "lms")
            with open_role(settings, "migrator") as owner, open_role(settings, "app") as app:
                fill(owner, arguments.rows)
                _report(owner, app, arguments.rows, questions(arguments.queries))


def _report(owner: Connection, app: Connection, rows: int, asked: Sequence[str]) -> None:
    say(f"{rows:,} nuggets of 100 organizations, {len(asked)} searches, recall@{NEAREST} and median ms")
    for organization, where in ((SCATTERED, "scattered"), (TOGETHER, "together, far away")):
        for forced in (False, True):
            for scan in (None, "strict_order", "off"):
                recall, milliseconds = measure(owner, app, organization, asked, scan=scan, forced=forced)
                by = "by the vector index" if forced else "as the planner likes"
                say(f"| {where} | {by} | {scan or 'as entered'} | {recall:.3f} | {milliseconds:.1f} |")


if __name__ == "__main__":
    main()
