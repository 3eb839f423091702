"""The document of the benchmarks: it holds what the benchmarks measure, and is rewritten between its marks only."""

import re
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import JOBS
from orchestration.errors import EspalierError
from orchestration.settings import PROJECT

DOCUMENT = PROJECT / "docs" / "benchmarks.md"
ROW = re.compile(r"^\| `(?P<job>[\w/]+)` \| (?P<what>[^|]+) \| (?P<target>[^|]+) \| [^|]+ \| (met|\*\*not met\*\*) \|$")


def test_the_document_shows_every_target_with_what_was_measured():
    shown = {(m["job"], m["what"], m["target"]) for line in DOCUMENT.read_text().splitlines() if (m := ROW.match(line))}
    wanted = {
        (job.title, target.text, f"{'≥' if target.at_least else '≤'} {target.bound:g} {target.unit}")
        for job in JOBS.values()
        for target in job.targets
    }
    assert shown == wanted


def test_what_stands_around_the_marks_is_kept(tmp_path: Path):
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n")
    report.write(document, "new")
    assert document.read_text() == f"before\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\nafter\n"


@pytest.mark.parametrize("text", [None, "no marks", f"{report.BEGIN} but no end"])
def test_a_document_without_marks_is_refused_and_left_alone(tmp_path: Path, text: str | None):
    document = tmp_path / "benchmarks.md"
    if text is not None:
        document.write_text(text)
    with pytest.raises(EspalierError, match="has no lines"):
        report.write(document, "new")
    assert (document.read_text() if document.exists() else None) == text
