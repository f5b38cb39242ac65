"""The whole suite, as CI runs it: `python -m tests`.

Two parts, one after the other. Tests that wait for real time to pass come first and have the processors to themselves;
four at once, as they mostly wait. The exit code is the first part's that is not 0.

Some hundred programs are started; they find the bytecode of the ones before, also where PYTHONDONTWRITEBYTECODE is set.
"""

from __future__ import annotations

import os
import subprocess
import sys

PYTEST = (sys.executable, "-m", "pytest")
WAITING = ("-m", "wall_time", "-n", "4", "--dist", "load", "--maxschedchunk", "1")
OTHERS = ("-m", "not wall_time", "-n", "2", "--dist", "worksteal")


def main() -> int:
    """Runs both parts, the second one also after a failure of the first, and gives the exit code."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    codes = [subprocess.run([*PYTEST, *part], check=False, env=known).returncode for part in (WAITING, OTHERS)]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
