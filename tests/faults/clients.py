"""Applications as pgbench plays them, at work while a test changes what they stand on; what pgbench says of them.

What a client does is in `load/`, a script for each application.
"""

import re
import signal
import subprocess
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.servers.binaries import wheel_programs
from tests.conftest import Site

LOAD = Path(__file__).parent / "load"
LONGEST_S = 2


@dataclass(frozen=True)
class Clients:
    """Clients at work, and the folder of pgbench's log."""

    process: subprocess.Popen[str]
    folder: Path

    def stop(self) -> None:
        """End them as pgbench's own clock does, each after the transaction at hand; nobody may have had an error."""
        assert self.process.poll() is None
        self.process.send_signal(signal.SIGALRM)
        said, _ = self.process.communicate()
        assert (self.process.returncode, set(re.findall(r"failed transactions: (\d+)", said))) == (0, {"0"}), said

    def longest_wait(self) -> float:
        """Find the longest transaction, in seconds: the third column has microseconds since it was due."""
        return max(int(columns[2]) for columns in self._log()) / 1e6

    def done(self) -> int:
        """Count the transactions that pgbench saw done."""
        return sum(1 for _ in self._log())

    def _log(self) -> Generator[list[str]]:
        for log in self.folder.glob("pgbench_log.*"):
            yield from (line.split() for line in log.read_text().splitlines())


@contextmanager
def working_clients(site: Site, folder: Path, scripts: Iterable[str], *, count: int, rate: int) -> Generator[Clients]:
    """Have clients at work until the test stops them.

    They do so many transactions a second, not as many as the machine can take: what is measured is who waits for us.
    """
    files = [f"--file={LOAD / script}.sql" for script in scripts]
    options = [f"--client={count}", f"--rate={rate}", "--time=3600", "--log", "--no-vacuum", "--failures-detailed"]
    command = [wheel_programs(18) / "pgbench", *options, *files, site.server.url("migrator", site.database)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield Clients(process, folder)
        finally:
            process.kill()
