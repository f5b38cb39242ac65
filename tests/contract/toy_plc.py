"""A controller with nothing behind it: handshake, echo and heartbeat of any shipped profile, no physics."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import DeviceRefused
from drivers.profile import Profile
from simulators.lease import Lease


class ToyPlc:
    """Obeys commands at once; counts what it executed, so that a test sees a command that came twice."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.tags: dict[str, float] = dict.fromkeys(profile.signals, 0)
        self.tags |= {
            "model_code": float(profile.identity["model_code"]),
            "firmware": 123,
            "serial_number": 70001,
            "machine_state": profile.number("packml_state", "IDLE"),
            "mode": profile.number("mode", "REMOTE"),
            "status_bits": 1,
        }
        self.executed: list[str] = []
        self.beats: list[float] = []
        self.rejects: dict[str, str] = {}
        self.heart = True
        self.echo_error = 0.0
        self.deaf = False  # takes commands and never acknowledges
        self.writes = 0
        self.working_phase = {"coater": "coat", "roll_press": "roll"}.get(profile.kind, "ramp")
        self._lease = Lease(profile.timing.watchdog_s)
        self._now = 0.0

    def advance(self, now_s: float) -> None:
        self._now = now_s
        if self.heart:
            self.tags["heartbeat_machine"] = int(10 * now_s)
        self.tags["lease_owner"] = self._lease.owner(now_s)

    def write(self, values: Mapping[str, float]) -> None:
        """Counts what is written, heartbeats apart."""
        if "heartbeat_controller" in values:
            number = values.get("lease_request")
            beat = int(values["heartbeat_controller"])
            self._lease.beat(beat, None if number is None else int(number), self._now)
            self.beats.append(beat)
        else:
            self.writes += 1
        if "command_sequence" in values:
            self._command(int(values["command_code"]), int(values["command_sequence"]))
            return
        for name, value in values.items():
            limits = self.profile.signals[name].limits if name in self.profile.signals else None
            if limits is not None and not limits[0] <= value <= limits[1]:
                raise DeviceRefused(3)
            self.tags[name] = value

    def _command(self, code: int, sequence: int) -> None:
        if sequence == self.tags["acknowledged_sequence"] or self.deaf:
            return
        name = next((word for word, number in self.profile.enums["command"].items() if number == code), "")
        self.executed.append(name)
        reason = self.rejects.get(name, "none") if name else "unknown_command"
        result = "REJECTED" if reason != "none" else "ACCEPTED"
        if result == "ACCEPTED" and name == "load_job":
            result = "DONE"
            for signal in self.profile.job:
                self.tags[signal.echo or ""] = self.tags[signal.name] + self.echo_error
        phases = {"start": self.working_phase, "hold": "held", "stop": "release", "reset": "idle"}
        if result == "ACCEPTED" and name in phases:
            self.tags["phase"] = self.profile.number("phase", phases[name])
        self.tags["acknowledged_sequence"] = sequence
        self.tags["acknowledge_result"] = self.profile.number("result", result)
        self.tags["acknowledge_reason"] = self.profile.number("reason", reason)


def some_job(profile: Profile) -> dict[str, float]:
    """A job in the middle of every range, in values that a float32 rounds."""
    return {
        s.name: 4242 if s.integer else s.limits[0] + 0.3 * (s.limits[1] - s.limits[0])
        for s in profile.job
        if s.limits is not None
    }
