"""What all simulated presses share: a lot inside, and a truthful record of what its pressing did."""

from __future__ import annotations

from drivers.profile import Profile
from simulators.plc import Plc
from simulators.scenarios import Scenario
from simulators.world import Lot, Pressing, World, WorldError


class PressPlc(Plc):
    """A press's controller with the lot that lies in it, the dwell timer, and the dwell's mean."""

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit)
        self.world = world
        self.lot: Lot | None = None
        self.dwell_s = 0.0
        self._dwell_sum = 0.0
        self._before: dict[str, float] = {}
        self._cycles = 0
        self._room_c = scenario.room_c

    def insert(self, lot: Lot) -> None:
        """A person lays a lot in.

        :raises WorldError: if the machine is not open or not empty.
        """
        self._must_be_open()
        if self.lot is not None:
            raise WorldError(f"{self.unit} already holds {self.lot.name}")
        self.lot = lot
        self._publish()

    def take_out(self) -> Lot:
        """A person takes the lot out.

        :raises WorldError: if the machine is not open or empty.
        """
        self._must_be_open()
        if self.lot is None:
            raise WorldError(f"{self.unit} is empty")
        lot, self.lot = self.lot, None
        self._publish()
        return lot

    def _must_be_open(self) -> None:
        if self.state not in ("IDLE", "STOPPED", "ABORTED", "COMPLETE") or not self._proven_zero():
            raise WorldError(f"{self.unit} is not open")

    def _sp(self, name: str) -> float:
        """A value of the loaded job."""
        if self.job is None:
            raise RuntimeError(f"{self.unit} runs without a job")
        return self.job[name]

    def _begin_dwell_record(self) -> None:
        self.dwell_s, self._dwell_sum = 0.0, 0.0
        self._before = {} if self.lot is None else self.lot.porosities_pct()

    def _count_dwell(self, reading: float, dt_s: float) -> bool:
        """Time in the band counts; true once the job's dwell is over."""
        self.dwell_s += dt_s
        self._dwell_sum += reading * dt_s
        return self.dwell_s >= self._sp("dwell_sp_s") - 0.01 * self.scan_s

    @property
    def dwell_mean(self) -> float:
        return self._dwell_sum / self.dwell_s if self.dwell_s > 0.0 else 0.0

    def _stride(self) -> int:
        if self.state == "EXECUTE" and self.phase == "dwell":
            left = round((self._sp("dwell_sp_s") - self.dwell_s) / self.scan_s)
            return max(1, min(self.quiet_scans, left))
        return super()._stride()

    def _record_pressing(self) -> None:
        """Writes down once what the pressing did to the lot."""
        if self.lot is None or not self._before:
            return
        self._cycles += 1
        after = self.lot.porosities_pct()
        job_id = int(self._sp("job_id"))
        self.world.pressings.append(Pressing(job_id, self.unit, self.lot.name, self._before, after))
        self._before = {}
