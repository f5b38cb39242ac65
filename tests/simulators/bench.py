"""A line on a hand-moved clock, for tests that speak to the controllers directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from recipes.model import Foil, Layer, Slurry
from simulators.coater import Coater
from simulators.isostatic_press import IsostaticPress
from simulators.line import AsciiMachine, RegisterMachine, SimulatedLine
from simulators.physics.laminate import coated_layer
from simulators.plc import Plc
from simulators.roll_press import RollPress
from simulators.uniaxial_press import UniaxialPress
from simulators.world import Lot

AREA_MM2 = 1600.0
LAYERS: Mapping[str, Layer] = {
    "cathode": Layer("cathode", (), 45.0, 27.0, 3.56),
    "solid_electrolyte": Layer("solid_electrolyte", (), 40.0, 11.16, 1.86),
    "intermediate": Layer("intermediate", (), 82.0, 0.124, 2.30),
}
SLURRY = Slurry("butyl butyrate", 0.6993, 0.869)
ALUMINIUM = Foil("aluminium", "aluminium", 15.0, 2.7)
UNIAXIAL_JOB = {
    "job_id": 1,
    "force_sp_kn": 144.8,
    "force_ramp_kn_s": 16.0,
    "dwell_sp_s": 30.0,
    "release_rate_kn_s": 16.0,
    "platen_temperature_sp_c": 25.0,
    "dwell_band_pct": 2.0,
    "temperature_band_k": 2.0,
    "link_loss_hold_s": 10.0,
}
ISOSTATIC_JOB = {
    "job_id": 2,
    "pressure_sp_mpa": 980.0,
    "pressure_ramp_mpa_s": 5.0,
    "dwell_sp_s": 300.0,
    "decompression_rate_mpa_s": 5.0,
    "final_decompression_rate_mpa_s": 1.0,
    "medium_temperature_sp_c": 120.0,
    "temperature_band_k": 2.0,
    "soak_s": 300.0,
    "dwell_band_pct": 2.0,
    "link_loss_hold_s": 60.0,
}
COAT_JOB = {
    "job_id": 3,
    "gap_sp_um": 349.3,
    "web_speed_sp_m_min": 0.8,
    "zone1_sp_c": 100.0,
    "zone2_sp_c": 120.0,
    "length_sp_m": 0.4,
    "tension_sp_n": 80.0,
    "temperature_band_k": 3.0,
}
ELECTRODES: Mapping[str, Layer] = {
    "negative_electrode": Layer("negative_electrode", (), 50.0, 11.0, 2.19),
    "positive_electrode": Layer("positive_electrode", (), 47.0, 20.0, 4.42),
}
ROLL_JOB = {
    "job_id": 4,
    "line_load_sp_n_mm": 431.5,
    "gap_sp_um": 0.0,
    "roll_temperature_sp_c": 25.0,
    "web_speed_sp_m_min": 1.0,
    "length_sp_m": 0.4,
    "tension_sp_n": 60.0,
    "temperature_band_k": 3.0,
}


@dataclass
class Bench:
    """The line, its clock, and the numbers of the commands given so far."""

    scenario: str = "nominal"
    seed: int = 1
    now_s: float = 0.0
    beats: bool = False
    sequences: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.line = SimulatedLine(self.scenario, self.seed, lambda: self.now_s)
        self.uniaxial = cast("UniaxialPress", self.plc("uniaxial-press-1"))
        self.isostatic = cast("IsostaticPress", self.plc("isostatic-press-1"))
        self.coater = cast("Coater", self.plc("coater-1"))
        self.roll = cast("RollPress", self.plc("roll-press-1"))
        for plc in (self.uniaxial, self.isostatic, self.coater, self.roll):
            plc.advance(0.0)

    def plc(self, unit: str) -> Plc:
        machine = self.line.machines[unit]
        assert isinstance(machine, RegisterMachine | AsciiMachine)
        return machine.plc

    def wait(self, plc: Plc, seconds: float) -> None:
        """Moves the clock on, with or without heartbeats of the controller above."""
        end = self.now_s + seconds
        while self.now_s < end - 1e-9:
            self.now_s = min(end, self.now_s + 0.5)
            plc.advance(self.now_s)
            if self.beats:
                plc.write({"heartbeat_controller": int(2 * self.now_s) & 0xFFFF})

    def command(self, plc: Plc, name: str) -> tuple[str, str]:
        """Gives a new command; result and reason in the profile's words."""
        number = self.sequences[plc.unit] = self.sequences.get(plc.unit, 0) + 1
        plc.write({"command_code": plc.profile.enums["command"][name], "command_sequence": number})
        assert plc.tags["acknowledged_sequence"] == number
        return word(plc, "acknowledge_result"), word(plc, "acknowledge_reason")

    def start(self, plc: Plc, job: Mapping[str, float]) -> None:
        plc.write(job)
        assert self.command(plc, "load_job") == ("DONE", "none")
        assert self.command(plc, "start") == ("ACCEPTED", "none")

    def wait_for(self, plc: Plc, limit_s: float = 3600.0, **tags: str) -> float:
        """Moves on until the enumerated tags have these words; gives the seconds that it took."""
        begun = self.now_s
        while any(word(plc, name) != wanted for name, wanted in tags.items()):
            assert self.now_s - begun < limit_s, f"no {tags}: {word(plc, 'machine_state')} {word(plc, 'phase')}"
            self.wait(plc, 0.5)
        return self.now_s - begun

    def lot(self, name: str = "assembly", *layers: str) -> Lot:
        """A fresh laminate of freshly coated layers (all three if none is named)."""
        names = layers or tuple(LAYERS)
        parts = [coated_layer(LAYERS[n], LAYERS[n].coating_weight_mg_cm2, self.line.scenario) for n in names]
        return self.line.world.put(Lot(name, parts, [ALUMINIUM], AREA_MM2))

    def electrode(self, name: str = "negative_electrode") -> Lot:
        """A freshly coated electrode of one side."""
        layer = ELECTRODES[name]
        coated = coated_layer(layer, layer.coating_weight_mg_cm2, self.line.scenario)
        return self.line.world.put(Lot(f"{name} web", [coated], [ALUMINIUM], AREA_MM2))

    def rolling(self, lot: Lot, **job: float) -> None:
        """An electrode in the roll press, at its full load."""
        self.roll.insert(lot)
        self.start(self.roll, ROLL_JOB | job)
        self.wait_for(self.roll, phase="roll")
        while self.roll.rolled_m == 0.0:
            self.wait(self.roll, 0.1)

    def dwelling_uniaxial(self) -> None:
        """A fresh laminate in the uniaxial press, in its dwell."""
        self.uniaxial.insert(self.lot())
        self.start(self.uniaxial, UNIAXIAL_JOB)
        self.wait_for(self.uniaxial, phase="dwell")

    def dwelling_isostatic(self) -> None:
        """A fresh laminate in the isostatic press, in its dwell."""
        self.isostatic.insert(self.lot())
        self.start(self.isostatic, ISOSTATIC_JOB | {"soak_s": 0.0})
        self.wait_for(self.isostatic, phase="dwell")

    def bits(self, plc: Plc, signal: str = "alarm_bits") -> set[str]:
        value = int(plc.tags[signal])
        return {name for place, name in enumerate(plc.profile.signals[signal].bits) if value >> place & 1}


def word(plc: Plc, signal: str) -> str:
    enum = plc.profile.signals[signal].enum
    assert enum is not None
    return plc.profile.enum_words[enum][int(plc.tags[signal])]
