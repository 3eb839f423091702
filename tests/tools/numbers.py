"""Prints the numbers that keep the code simple and fails when one does not hold.

Median function at most 8 lines, none above 40, no file above 400; signature and docstring count as lines.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("orchestration", "assets", "migrations", "sql", "benchmarks", "tests")
MEDIAN, LONGEST, FILE = 8, 40, 400
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Give each function of a file with its lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                (node.end_lineno or node.lineno) - node.lineno + 1,
            )


def main() -> int:
    """Print the numbers; 1 when one does not hold."""
    files = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    found = sorted((length, name) for path in files for name, length in functions(path))
    lengths = [length for length, _ in found]
    file_lines = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in files}
    long_files = {path: n for path, n in file_lines.items() if n > FILE}
    print(
        f"functions: {len(found)}, median {statistics.median(lengths):g} lines, longest {found[-1][0]} ({found[-1][1]})"
    )
    print(f"files: {len(files)}, longest {max(file_lines.values())} lines")
    for length, name in found:
        if length > LONGEST:
            print(f"too long: {name} has {length} lines, at most {LONGEST} are allowed")
    for path, lines in long_files.items():
        print(f"too long: {path} has {lines} lines, at most {FILE} are allowed")
    return int(statistics.median(lengths) > MEDIAN or lengths[-1] > LONGEST or bool(long_files))


if __name__ == "__main__":
    sys.exit(main())
