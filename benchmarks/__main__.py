"""Measures the platform's jobs against the loops that they replace, their lower bounds, and polars with COPY.

    python -m benchmarks [--scale full|small|tiny] [--repetitions 3] [--only NAME] [--write docs/benchmarks.md]

Starts a Postgres of its own in a temporary ESPALIER_HOME, fills it, compares results, measures, and removes it. At full
scale it takes about 25 minutes and 6 GB of disk.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import leaderboards, rag_metrics_history, trust_scores, user_totals, vote_graph
from benchmarks.comparison import Job, Outcome, compare
from benchmarks.report import describe_run, tables, write
from benchmarks.sizes import SIZES, Sizes
from benchmarks.workbench import open_workbench
from orchestration.cli.output import complain, err, say
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.errors import EspalierError
from orchestration.settings import DOMAINS, Settings, load_settings

# Totals read the trust scores, so these come first.
JOBS = {
    "vote_graph": vote_graph.JOB,
    "trust_scores": trust_scores.JOB,
    "user_totals": user_totals.JOB,
    "leaderboards": leaderboards.JOB,
    "rag_metrics_history": rag_metrics_history.JOB,
}


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", choices=SIZES, default="full")
    parser.add_argument("--repetitions", type=int, default=3, metavar="N")
    parser.add_argument("--only", choices=JOBS, action="append", help="may be given several times")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the marks of this document")
    return parser.parse_args(arguments)


def run(settings: Settings, sizes: Sizes, jobs: Sequence[Job], repetitions: int) -> tuple[str, list[Outcome]]:
    """Run the jobs of each domain on a workbench of its own; give the server's version and what came out."""
    outcomes: list[Outcome] = []
    server = ""
    for domain in DOMAINS:
        wanted = [job for job in jobs if job.domain == domain]
        if not wanted:
            continue
        _progress(f"{domain}: making the data")
        with open_workbench(settings, domain, sizes) as bench:
            server = f"PostgreSQL {bench.owner.info.parameter_status('server_version')}"
            outcomes += [compare(bench, job, repetitions, _progress) for job in wanted]
    return server, outcomes


def _progress(line: str) -> None:
    err.print(line, markup=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; nothing gates on time, so this is 0 whatever was measured."""
    chosen = read_arguments(arguments)
    sizes = SIZES[chosen.scale]
    jobs = [JOBS[name] for name in chosen.only or JOBS]
    with TemporaryDirectory(prefix="espalier-bench-") as folder:
        home = Path(folder) / "home"
        with serving(load_settings(home=home, **NO_EXTERNAL_SERVER)) as settings:
            server, outcomes = run(settings, sizes, jobs, chosen.repetitions)
    measured = f"{describe_run(server, sizes, chosen.repetitions, chosen.scale)}\n\n{tables(outcomes)}"
    say(measured)
    if chosen.write:
        write(chosen.write, measured)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EspalierError as error:
        complain(str(error))
        sys.exit(2)
