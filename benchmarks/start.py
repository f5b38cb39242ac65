"""What starting takes: `python benchmarks/start.py`.

`pressline --help` beside a Python that only imports typer, in processor time: the least of several rounds, because
the rest is what else the computer did. Then `pressline up` on a line file with four simulated presses: wall and
processor time until it says that it is ready, on a new store and on one that is there, and the memory that it holds.
The exit code is 1 if a goal is missed; goals of wall time are for a computer that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
HELP_GOAL_MS, READY_GOAL_S = 100.0, 2.0
PRESSLINE = [sys.executable, "-m", "controller.cli.main"]
SETTLES_S = 5.0


def processor_ms(command: list[str], rounds: int) -> float:
    """The least processor time of a command's process."""
    found = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)  # noqa: S603 - our own commands
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1000 * min(found)


def helped(rounds: int) -> bool:
    floor_ms = processor_ms([sys.executable, "-c", "import typer"], rounds)
    own_ms = processor_ms([*PRESSLINE, "--help"], rounds)
    good = own_ms <= HELP_GOAL_MS
    print(f"pressline --help: {own_ms:.0f} ms of processor time; Python that imports typer: {floor_ms:.0f} ms")
    print(f"  goal {HELP_GOAL_MS:g} ms {'met' if good else 'MISSED'}")
    return good


def line_file(folder: Path, urls: dict[str, str], port: int) -> Path:
    """A line of the presses that are served."""
    units = [
        f'[units.{name}]\nkind = "{kind}"\nprofile = "{kind.replace("_", "-")}-generic"\nurl = "{url}"\n'
        for name, url in urls.items()
        for kind in ("isostatic_press" if name.startswith("iso") else "uniaxial_press",)
    ]
    store = f'[store]\nurl = "sqlite:///{folder / "store.sqlite"}"\n'
    text = ['[line]\nname = "bench"\n', *units, f"[service]\nport = {port}\n", store, "[historian]\n"]
    (folder / "line.toml").write_text("\n".join(text), encoding="utf-8")
    return folder / "line.toml"


def started(file: Path, port: int) -> tuple[float, float, float]:
    """Wall and processor seconds until the service is ready, and MB that it holds a little later."""
    ticks = os.sysconf("SC_CLK_TCK")
    begun_s = time.perf_counter()
    command = [*PRESSLINE, "up", "--line", str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as service:  # noqa: S603 - our own
        try:
            while not _is_ready(port):
                if service.poll() is not None or time.perf_counter() - begun_s > 60:
                    raise SystemExit("the service does not start")
                time.sleep(0.01)
            wall_s = time.perf_counter() - begun_s
            fields = Path(f"/proc/{service.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            time.sleep(SETTLES_S)
            pages = int(Path(f"/proc/{service.pid}/statm").read_text(encoding="utf-8").split()[1])
        finally:
            service.send_signal(signal.SIGTERM)
    return wall_s, (int(fields[11]) + int(fields[12])) / ticks, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).is_success
    except httpx.HTTPError:
        return False


def served() -> bool:
    command = [sys.executable, str(Path(__file__).with_name("reaction_server.py"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    good = True
    with tempfile.TemporaryDirectory() as name, subprocess.Popen(command, **pipes) as presses:  # type: ignore[call-overload]  # noqa: S603 - our own program
        port = free_port()
        file = line_file(Path(name), json.loads(presses.stdout.readline()), port)
        for what in ("on a new store", "on a store that is there"):
            wall_s, cpu_s, held_mb = started(file, port)
            good = good and wall_s <= READY_GOAL_S
            print(f"pressline up {what}: ready after {wall_s:.2f} s, {cpu_s:.2f} s of processor time; {held_mb:.0f} MB")
        presses.stdin.close()
    print(f"  goal {READY_GOAL_S:g} s {'met' if good else 'MISSED'}")
    return good


def main() -> int:
    """Measures and prints; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    results = [helped(options.rounds), served()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
