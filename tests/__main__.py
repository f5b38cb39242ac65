"""The whole suite, as CI runs it: `python -m tests`.

Three parts. Tests that wait for real time to pass come first; several at once, as they mostly wait. Beside them, and
only while they leave a processor idle, run tests that compute and write nothing. All others follow. The exit code is
the first part's that is not 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest")
WAITING = ("-m", "wall_time", "-n", "3", "--dist", "load", "--maxschedchunk", "1")
COMPUTING = ("-m", "computing")
OTHERS = ("-m", "not wall_time and not computing", "-n", "2", "--dist", "worksteal")


def main() -> int:
    """Runs all parts, also after a failure of one, and gives the exit code."""
    with tempfile.TemporaryFile("w+") as told:
        beside = subprocess.Popen([*PYTEST, *COMPUTING], stdout=told, preexec_fn=_idle)  # noqa: PLW1509  no thread yet
        try:
            waiting = subprocess.run([*PYTEST, *WAITING], check=False).returncode
            others = subprocess.run([*PYTEST, *OTHERS], check=False).returncode
            codes = (waiting, beside.wait(), others)
        except BaseException:
            beside.kill()
            beside.wait()
            raise
        told.seek(0)
        sys.stdout.write(told.read())
    return next((code for code in codes if code), 0)


def _idle() -> None:
    """Gives way to whoever else wants the processor."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


if __name__ == "__main__":
    sys.exit(main())
