"""One program at a time works with a line file, and a controller keeps its number."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from controller.app import lease_number
from controller.config import LineConfig, load_line
from controller.line_lock import LineLock, LineTaken

LINE = '[units.press]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "tcp://127.0.0.1:1"\n'
HOLDS_IT = """
import sys
from pathlib import Path
from controller.line_lock import LineLock
with LineLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def line_file(tmp_path: Path) -> Path:
    path = tmp_path / "line.toml"
    path.write_text(LINE, encoding="utf-8")
    return path


def holding(line_file: Path) -> subprocess.Popen[str]:
    """Another process that holds the line file."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS_IT, str(line_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_it_is_held_once_names_its_holder_and_leaves_nothing_behind(line_file: Path) -> None:
    assert LineLock(line_file).holder() is None
    with LineLock(line_file) as lock:
        assert lock.path.read_text(encoding="utf-8").startswith(f"{os.getpid()} ")
        holder = LineLock(line_file).holder() or ""
        assert f"process {os.getpid()}" in holder
        with pytest.raises(LineTaken, match=str(os.getpid())), LineLock(line_file):
            pass
    assert not lock.path.exists()
    assert LineLock(line_file).holder() is None
    with LineLock(line_file):
        pass


def test_a_link_to_the_line_file_is_the_same_line(line_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere.toml"
    link.symlink_to(line_file)
    with LineLock(line_file), pytest.raises(LineTaken), LineLock(link):
        pass


def test_a_process_that_is_killed_gives_it_back(line_file: Path) -> None:
    with holding(line_file) as other:
        with pytest.raises(LineTaken, match=f"process {other.pid} "), LineLock(line_file):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
        lock = LineLock(line_file)
        assert lock.path.exists()
        assert lock.holder() is None
        with lock:
            assert lock.path.read_text(encoding="utf-8").startswith(f"{os.getpid()} ")


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), LineLock(tmp_path / "nowhere" / "line.toml"):
        pass


def test_a_controller_has_the_same_number_at_every_start(line_file: Path, tmp_path: Path) -> None:
    number = lease_number(load_line(line_file))
    assert 1 <= number <= 0xFFFF
    assert lease_number(load_line(line_file)) == number
    other = tmp_path / "other.toml"
    other.write_text(LINE, encoding="utf-8")
    assert lease_number(load_line(other)) != number
    assert 1 <= lease_number(LineConfig("simulated line", {})) <= 0xFFFF
