"""Several laminates at once for the commands that make them: the usual line, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from controller.cli.exit_codes import ExitCode, code_of
from controller.cli.recipes import SHIPPED_UNITS
from drivers.profile import Profile
from drivers.profile_file import load_profile

MANY_UNITS: Mapping[str, str] = {**SHIPPED_UNITS, "uniaxial-press-2": SHIPPED_UNITS["uniaxial-press-1"]}
"""The usual line for several laminates: a second uniaxial press."""


def many_profiles() -> dict[str, Profile]:
    """The profiles of the usual line for several laminates, by unit."""
    return {unit: load_profile(profile) for unit, profile in MANY_UNITS.items()}


def how_many(laminates: int, people: int) -> str:
    """So many laminates and people in words."""
    one = "1 laminate" if laminates == 1 else f"{laminates} laminates"
    return f"{one}, {'1 person' if people == 1 else f'{people} people'} at the line"


def report_many(found: Mapping[str, Any], where: str = "", *, as_json: bool) -> ExitCode:
    """Prints what became of all runs; the worst decides the code. `where` goes on after how many there were."""
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _print(found, where)
    codes = [code_of(record) for record in found["runs"]]
    return max([*codes, ExitCode.REFUSED if found["refused"] or found["broken_waits"] else ExitCode.PASSED])


def _print(found: Mapping[str, Any], where: str) -> None:
    print(how_many(len(found["runs"]), found["people"]) + where)
    width = max(len(record["run"]) for record in found["runs"])
    print(f"{'run':<{width}}  state     from min  to min  waited min  pass  fail  undetermined")
    for record, times in zip(found["runs"], found["times"], strict=True):
        minutes = [times[key] / 60 for key in ("begin_s", "end_s", "waited_s")]
        verdicts = [record["certificate"][verdict] for verdict in ("pass", "fail", "undetermined")]
        print(
            f"{record['run']:<{width}}  {record['state']:<8}  {minutes[0]:8.1f}  {minutes[1]:6.1f}  {minutes[2]:10.1f}"
            f"  {verdicts[0]:4}  {verdicts[1]:4}  {verdicts[2]:12}"
            + (f"  {record['reason']}" if record["reason"] else "")
        )
    for name, why in found["refused"].items():
        print(f"{name} could not begin: {why}")
    for text in found["broken_waits"]:
        print(f"maximum wait broken: {text}")
    print(f"all done after {found['makespan_s'] / 60:.1f} min of line time, in {found['wall_seconds']:.1f} s")
