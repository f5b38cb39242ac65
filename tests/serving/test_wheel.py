"""The wheel: everything in it that the program reads, and nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("controller", "drivers", "recipes", "simulators")
NAMED = (
    "controller/database/migrations/env.py",
    "drivers/profiles/uniaxial-press-generic.yaml",
    "recipes/library/honda-example-1.yaml",
)
"""One of each kind that would be missed late: at a migration, at a machine, in the demonstration."""


def test_what_the_packages_hold_is_in_the_wheel(tmp_path: Path) -> None:
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file())
    held = {str(file.relative_to(ROOT)) for file in files if file.parent.name != "__pycache__"}
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert held - names == set()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    assert set(NAMED) <= names
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)
