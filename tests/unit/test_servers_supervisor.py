"""A supervised command: started again when it ends, ended when its supervisor is told to stop."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.embedded import eventually

SUPERVISOR = [sys.executable, "-m", "orchestration.servers.supervisor"]


def test_a_command_that_ends_is_started_again_and_stops_with_its_supervisor(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    script = f'echo $$ >> "{starts}"; [ "$(wc -l < "{starts}")" -ge 2 ] && exec sleep 60; exit 3'
    with subprocess.Popen([*SUPERVISOR, "sh", "-c", script], stderr=subprocess.PIPE, text=True) as supervisor:
        eventually(lambda: starts.exists() and len(starts.read_text().split()) == 2)
        second = int(starts.read_text().split()[1])
        supervisor.send_signal(signal.SIGTERM)
        _, said = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 0
    assert not psutil.pid_exists(second)
    assert "it ended with 3 after 0 s, and is started again in 1 s" in said
