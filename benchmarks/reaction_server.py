"""Four presses on real loopback wires for reaction.py: whatever is written to stdin is shown at once.

Two isostatic presses on Modbus TCP, two uniaxial presses on RTU pseudo-terminals. A line "trip UNIT" makes a press show
a pressure outside its window, "calm UNIT" takes it back. The URLs go to stdout as JSON, once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from drivers.profile_file import load_profile
from simulators.any_machine import AnyMachine
from simulators.wire.serve import serve_line

UNITS = {
    "isostatic-1": ("isostatic-press-generic", "tcp"),
    "isostatic-2": ("isostatic-press-generic", "tcp"),
    "uniaxial-1": ("uniaxial-press-generic", "rtu"),
    "uniaxial-2": ("uniaxial-press-generic", "rtu"),
}
CALM = {"isostatic_press": {"pressure_a_mpa": 500.0, "pressure_b_mpa": 500.0}, "uniaxial_press": {"force_pv_kn": 100.0}}
OUTSIDE = {
    "isostatic_press": {"pressure_a_mpa": 1005.25, "pressure_b_mpa": 1005.25},
    "uniaxial_press": {"force_pv_kn": 205.25},
}
KEEP_S = 0.005  # between looks at what a press has to show


def show(machine: Any, values: dict[str, float]) -> None:
    """A press in the ramp, with everything in order but what `values` say."""
    profile, tags = machine.profile, machine.controller.tags
    names = profile.signals["status_bits"].bits
    tags["status_bits"] = sum(1 << place for place, name in enumerate(names) if name != "relief_open")
    if tags["machine_state"] == profile.number("packml_state", "EXECUTE"):
        tags["phase"] = profile.number("phase", "ramp")
    hot = {"medium_a_c": 120.0, "medium_b_c": 120.0, "platen_top_c": 25.0, "platen_bottom_c": 25.0}
    tags.update({name: value for name, value in {**hot, **values}.items() if name in profile.signals})


async def serve() -> None:
    """Serves until stdin is closed."""
    clock = asyncio.get_running_loop().time
    machines = {name: AnyMachine(load_profile(profile), clock) for name, (profile, _) in UNITS.items()}
    shown = {name: dict(CALM[machine.profile.kind]) for name, machine in machines.items()}
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def keep() -> None:
        while True:
            for name, machine in machines.items():
                show(machine, shown[name])
            await asyncio.sleep(KEEP_S)

    async with serve_line(machines, clock, carriers={name: carrier for name, (_, carrier) in UNITS.items()}) as served:
        keeper = asyncio.create_task(keep())
        print(json.dumps(served.urls), flush=True)
        while line := (await lines.readline()).decode():
            what, name = line.split()
            shown[name] = dict((OUTSIDE if what == "trip" else CALM)[machines[name].profile.kind])
            show(machines[name], shown[name])
        keeper.cancel()


if __name__ == "__main__":
    asyncio.run(serve())
