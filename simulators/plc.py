"""What every simulated machine's own controller does: numbered commands, jobs, heartbeat, watchdog, latched alarms.

A controller is integrated lazily: `advance(now)` brings it to now on its own grid of scans, so that its history does
not depend on when it was looked at. `tags` holds the profile's signals as of the last scan. The safe reaction to a
lost link, an open guard or an impossible value is the machine's own and needs nobody.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from drivers.profile import Profile
from simulators.commands import AT_REST, RUNNING, Commanded
from simulators.scenarios import Scenario

Watch = Callable[["Plc", float], float]
"""Told before each step with the line's time; gives the next time at which it wants to be told."""


class Plc(Commanded):
    """Base of all controllers. A machine fills in its permissives, its phases, its safe reaction and its values."""

    quiet_scans: ClassVar[int] = 10

    def __init__(self, profile: Profile, scenario: Scenario, unit: str) -> None:
        super().__init__(profile, scenario, unit)
        self.watch: Watch | None = None
        self._frozen: dict[str, float | int] = {}

    # ---- time ----

    def advance(self, now_s: float) -> None:
        """Integrates up to the last scan at or before now_s; the first call says when the machine was switched on."""
        if self._origin_s is None:
            self._origin_s = now_s
            self._publish()
        due = int((now_s - self._origin_s) / self.scan_s + 1e-6)
        if due <= self._scan:
            return
        while self._scan < due:
            scans = min(max(1, self._stride()), due - self._scan)
            if self.watch is not None:
                scans = self._watched(self.watch, scans)
            self._scan += scans
            self._step(scans * self.scan_s)
        self._is_behind = True

    def _watched(self, watch: Watch, scans: int) -> int:
        """No step goes beyond the instant that the watch wants to see."""
        now_s = (self._origin_s or 0.0) + self.time_s
        self._is_behind = True  # who looks from there sees this instant
        next_s = watch(self, now_s)
        until = (next_s - now_s) / self.scan_s
        return max(1, min(scans, int(until + 1.0 - 1e-6))) if until < scans else scans

    def _stride(self) -> int:
        """Scans that may be taken together: nothing moves, and all laws used then are exact in time."""
        quiet = self.state in AT_REST or self.state == "HELD" or self.phase == "dwell"
        return self.quiet_scans if quiet else 1

    def _step(self, dt_s: float) -> None:
        self._watch_link()
        if self.state in ("EXECUTE", "HELD", "STOPPING"):
            self._watch_machine()
        if not self.estop_ok and self.state in ("EXECUTE", "HELD", "STOPPING"):
            self.state = "ABORTING"
        if self.state == "EXECUTE":
            self._run(dt_s)
        elif self.state == "HELD":
            self._keep(dt_s)
        elif self.state in ("STOPPING", "ABORTING"):
            if self._make_safe(dt_s):
                self.state = "STOPPED" if self.state == "STOPPING" else "ABORTED"
                self.phase = "idle"
        else:
            self._rest(dt_s)
        self._physics(dt_s)

    def _watch_link(self) -> None:
        if self._beat_at_s is None or self.state not in RUNNING:
            return
        silent_s = self.time_s - self._beat_at_s
        if self.link_lost_at_s is None and silent_s > self.profile.timing.watchdog_s:
            self.link_lost_at_s = self.time_s
            self.alarms.add("link_lost")
            self._link_lost()
        elif self.link_lost_at_s is not None and self.time_s - self.link_lost_at_s >= self._link_loss_hold_s():
            self.state = "ABORTING"

    def trip(self, alarm: str) -> None:
        """Latches an alarm and starts the controlled release."""
        self.alarms.add(alarm)
        if self.state in ("EXECUTE", "HELD", "STOPPING"):
            self.state = "ABORTING"

    # ---- what is shown ----

    def _publish(self) -> None:
        self._is_behind = False
        tags, wrong = self._tags, self.control_disturbances
        before = dict(tags) if wrong.frozen_tags or wrong.heartbeat_frozen else {}
        tags["heartbeat_machine"] = int(2.0 * (self.time_s - self._booted_at_s)) & 0xFFFF
        tags["lease_owner"] = self._lease.owner(self.time_s)
        tags["machine_state"] = self._enum["packml_state"][self.state]
        tags["mode"] = self._enum["mode"][self.shown_mode]
        tags["phase"] = self._enum["phase"]["held" if self.state == "HELD" else self.phase]
        masks = self._masks
        status = masks["estop_ok"] * self.estop_ok + masks["link_ok"] * self.link_ok
        tags["status_bits"] = status + sum([masks.get(name, 0) for name, on in self._status().items() if on])
        tags["alarm_bits"] = sum([masks.get(name, 0) for name in self.alarms]) if self.alarms else 0
        tags.update(self._values())
        self._show_identity()
        if before or self._frozen:
            wrong.shown(tags, before, self._frozen)

    # ---- what a machine fills in ----

    def _link_lost(self) -> None:
        """The controller above fell silent; the default keeps what is there until the job's hold time is over."""
        self.state = "HELD"

    def _link_loss_hold_s(self) -> float:
        return 0.0 if self.job is None else self.job.get("link_loss_hold_s", 0.0)

    @abstractmethod
    def _watch_machine(self) -> None:
        """Looks for what must end a job at once, and trips."""

    @abstractmethod
    def _run(self, dt_s: float) -> None:
        """One step of the running job's phase."""

    @abstractmethod
    def _keep(self, dt_s: float) -> None:
        """One step while held."""

    @abstractmethod
    def _make_safe(self, dt_s: float) -> bool:
        """One step towards the safe state; true once it is reached."""

    @abstractmethod
    def _rest(self, dt_s: float) -> None:
        """One step with no job."""

    @abstractmethod
    def _physics(self, dt_s: float) -> None:
        """What nature does in this step."""

    @abstractmethod
    def _status(self) -> dict[str, bool]:
        """The machine's own status bits."""

    @abstractmethod
    def _values(self) -> dict[str, float | int]:
        """Measured values and counters by signal name."""
