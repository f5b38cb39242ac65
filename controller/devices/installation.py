"""Whether this installation is whole: Python, packages, shipped profiles, the store, serial ports."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from controller.devices.checks import Check, broken, ok, unchecked
from controller.devices.ports import port_check, serial_ports
from controller.journal import JournalError, anchor_faults, anchor_path, examine, is_in_use, read_anchor, verify
from drivers.errors import ProfileError
from drivers.profile_file import load_profile, shipped_profiles

_PYTHON = (3, 11)
_NAME = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:==\s*([0-9.]+))?")


def installation_checks(store: Path) -> Iterator[Check]:
    """Every check that needs no line file."""
    yield _python()
    yield _packages()
    yield _profiles()
    yield _store(store)
    ports = list(serial_ports())
    if not ports:
        yield unchecked("serial ports", "there are none, or none that can be seen")
    for port in ports:
        check = port_check(f"serial://{port.device}")
        yield Check(f"port {port.device}", check.state, check.text, check.mend, check.layer)


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _PYTHON:
        needed = ".".join(str(part) for part in _PYTHON)
        return broken("python", version, f"install Python {needed} or newer and set pressline up with it anew", "file")
    return ok("python", version)


def _packages() -> Check:
    """What the installed distribution asks for, by its own word."""
    try:
        wanted = [name for name in metadata.requires("pressline") or [] if "extra ==" not in name]
    except metadata.PackageNotFoundError:
        return broken("packages", "pressline is not installed as a package", "run `make demo` once", "file")
    missing = []
    for requirement in wanted:
        match = _NAME.match(requirement)
        if match is None:
            continue
        try:
            version = metadata.version(match[1])
        except metadata.PackageNotFoundError:
            missing.append(f"{match[1]} is missing")
        else:
            if match[2] is not None and version != match[2]:
                missing.append(f"{match[1]} is {version}, {match[2]} is needed")
    if missing:
        mend = "pip install --require-hashes -r requirements/run.lock"
        return broken("packages", ", ".join(missing), mend, "file")
    return ok("packages", f"{len(wanted)} are there")


def _profiles() -> Check:
    mistakes = []
    names = shipped_profiles()
    for name in names:
        try:
            load_profile(name)
        except ProfileError as error:
            mistakes.append(str(error).splitlines()[0])
    if mistakes:
        return broken("profiles", "; ".join(mistakes), "install pressline anew", "file")
    return ok("profiles", f"{len(names)} shipped profiles can be used")


def _store(store: Path) -> Check:
    if not store.exists() and anchor_path(store).exists():
        return broken(
            "store", f"{store}: it is lost, its anchor is there", "bring it back, or use another --store", "file"
        )
    if not store.exists():
        return unchecked("store", f"{store}: not there yet; the first run or write makes it")
    try:
        anchor = read_anchor(anchor_path(store))  # before the records: a program may be adding to both
        events, faults = examine(store)
        faults += verify(events) + ([] if anchor is None else anchor_faults(events, anchor))
    except JournalError as error:
        return broken("store", str(error), "keep this file for whoever looks into it, and use another --store", "file")
    if faults:
        return broken("store", f"{store}: {faults[0]}", "keep this file, and use another --store", "file")
    used = ", and a program is using it" if is_in_use(store) else ""
    return ok("store", f"{store}: the hash chain of {len(events)} records holds{used}")
