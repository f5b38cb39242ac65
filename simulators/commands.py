"""Commands of a simulated controller: numbered, executed once, answered with a reason; jobs checked and echoed."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from drivers.errors import DeviceRefused
from drivers.profile import Profile
from simulators.control import ALWAYS_OBEYED, PlcDisturbances
from simulators.lease import Lease
from simulators.scenarios import Scenario

_UNKNOWN_NAME, _ILLEGAL_VALUE, BUSY = 2, 3, 6  # exception codes of Modbus; lines of text use 2 and 3 alike
_COMMAND = ("command_code", "command_sequence", "heartbeat_controller", "lease_request")
_ANY_NUMBER = (-sys.float_info.max, sys.float_info.max)  # neither NaN nor an infinity lies within it
RUNNING = ("EXECUTE", "HELD")
AT_REST = ("IDLE", "STOPPED", "ABORTED", "COMPLETE")

_TAKES_TIME = ("start", "restart", "stop", "abort")

Answer = tuple[str, str]
DONE: Answer = ("DONE", "none")
ACCEPTED: Answer = ("ACCEPTED", "none")


def rejected(reason: str) -> Answer:
    return ("REJECTED", reason)


class Commanded(ABC):
    """The half of a controller that is written to. state is the PackML state's name, phase the profile's."""

    scan_s: ClassVar[float] = 0.1

    def __init__(self, profile: Profile, scenario: Scenario, unit: str) -> None:
        self.profile, self.scenario, self.unit = profile, scenario, unit
        self._tags: dict[str, float | int] = dict.fromkeys(profile.signals, 0)
        self._is_behind = False
        self.control_disturbances = PlcDisturbances()
        self.state, self.phase, self.mode = "IDLE", "idle", "REMOTE"
        self.job: dict[str, float] | None = None
        self.alarms: set[str] = set()
        self.estop_ok = True
        self.link_lost_at_s: float | None = None
        self._origin_s: float | None = None
        self._scan = 0
        self._booted_at_s = 0.0
        self._beat_at_s: float | None = None
        self._lease = Lease(profile.timing.watchdog_s)
        self._jobs_loaded = 0
        self._registers: dict[str, float] = {signal.name: 0.0 for signal in profile.job}
        self._limits = dict.fromkeys(_COMMAND, _ANY_NUMBER)
        self._limits |= {s.name: s.limits or _ANY_NUMBER for s in profile.signals.values() if "w" in s.access}
        self._enum = profile.enums
        self._masks = {name: 1 << place for name, (_, place) in profile.bit_places.items()}
        self._number = int(profile.identity["model_code"])
        self._firmware = int(profile.identity.get("firmware_min", 100))
        self._tags["serial_number"] = 100_000 + self._number
        self._show_identity()

    @property
    def tags(self) -> dict[str, float | int]:
        """The profile's signals as of the last scan, brought up to date when somebody looks."""
        if self._is_behind:
            self._publish()
        return self._tags

    @property
    def time_s(self) -> float:
        """Seconds since the controller was switched on, at its last scan."""
        return self._scan * self.scan_s

    @property
    def link_ok(self) -> bool:
        """Whether the controller above has been heard within the watchdog time."""
        return self._beat_at_s is not None and self.time_s - self._beat_at_s <= self.profile.timing.watchdog_s

    # ---- what is written ----

    def write(self, values: Mapping[str, float]) -> None:
        """Takes job values, a heartbeat (with its lease), or a command (code and sequence together), all or nothing.

        :raises DeviceRefused: with code 2 for a name that cannot be written, 3 for a value outside its range, 6 for a
            heartbeat while another controller holds the lease or a value while the controller is busy.
        """
        for name, value in values.items():
            limits = self._limits.get(name)
            if limits is None:
                raise DeviceRefused(_UNKNOWN_NAME)
            if not limits[0] <= value <= limits[1]:
                raise DeviceRefused(_ILLEGAL_VALUE)
        if self.control_disturbances.busy and "heartbeat_controller" not in values:
            raise DeviceRefused(BUSY)
        if "heartbeat_controller" in values:
            number = values.get("lease_request")
            beat = int(values["heartbeat_controller"])
            self._lease.beat(beat, None if number is None else int(number), self.time_s)
        elif "lease_request" in values:
            raise DeviceRefused(_ILLEGAL_VALUE)  # a lease without a heartbeat would never lapse
        for name, value in values.items():
            if name in self._registers:
                self._registers[name] = value
                self._tags[name] = value
        if "heartbeat_controller" in values:
            self._heard(int(values["heartbeat_controller"]))
            self._tags["lease_request"] = int(values.get("lease_request", 0))
            self._tags["lease_owner"] = self._lease.owner(self.time_s)
        if "command_sequence" in values:
            self._command(int(values.get("command_code", self._tags.get("command_code", 0))), values)
            self._publish()

    def _heard(self, beat: int) -> None:
        if self._beat_at_s is None or beat != self._tags.get("heartbeat_controller"):
            self._beat_at_s = self.time_s
        self._tags["heartbeat_controller"] = beat

    def _command(self, code: int, values: Mapping[str, float]) -> None:
        sequence = int(values["command_sequence"])
        self._tags["command_code"], self._tags["command_sequence"] = code, sequence
        if sequence == self._tags["acknowledged_sequence"]:
            return  # the same number again is a replay of what was already done
        result, reason = self._obey(self.profile.enum_words["command"].get(code))
        self._tags["acknowledge_result"] = self._enum["result"][result]
        self._tags["acknowledge_reason"] = self._enum["reason"][reason]
        self._tags["acknowledged_sequence"] = sequence

    # ---- commands ----

    def _obey(self, name: str | None) -> Answer:
        if name is None:
            return rejected("unknown_command")
        wrong = self.control_disturbances
        if self.shown_mode != "REMOTE" and name not in ALWAYS_OBEYED:
            return rejected("not_remote")
        if wrong.reject is not None and wrong.concerns(name):
            return rejected(wrong.reject)
        if wrong.never_done and wrong.concerns(name):
            return ACCEPTED if name in _TAKES_TIME else DONE
        answer: Answer = getattr(self, f"_on_{name}")()
        return answer

    def _on_load_job(self) -> Answer:
        if self.state != "IDLE":
            return rejected("wrong_state")
        for signal in self.profile.job:
            low, high = self._limits[signal.name]
            if not low <= self._registers[signal.name] <= high:
                return rejected("job_out_of_range")
        self.job = dict(self._registers)
        self._jobs_loaded += 1
        self._show_job()
        self._loaded_job(first=self._jobs_loaded == 1)
        return DONE

    def _on_start(self) -> Answer:
        if self.state != "IDLE":
            return rejected("wrong_state")
        if self.job is None:
            return rejected("no_job")
        if not self.estop_ok:
            return rejected("safety_chain")
        if self.alarms:
            return rejected("link_lost" if "link_lost" in self.alarms else "safety_chain")
        reason = self._missing_permissive()
        if reason is not None:
            return rejected(reason)
        if self._beat_at_s is not None:
            self._beat_at_s = max(self._beat_at_s, self.time_s)
        self.state, self.phase = "EXECUTE", "prepare"
        self._begin()
        return ACCEPTED

    def _on_hold(self) -> Answer:
        if self.state == "HELD":
            return DONE
        if self.state != "EXECUTE" or not self._may_hold():
            return rejected("wrong_state")
        self.state = "HELD"
        return DONE

    def _on_restart(self) -> Answer:
        if self.state != "HELD" or not self._may_restart():
            return rejected("wrong_state")
        if self.link_lost_at_s is not None and not self.link_ok:
            return rejected("link_lost")
        self.link_lost_at_s = None
        self.alarms.discard("link_lost")  # a person has seen it and goes on
        self.state = "EXECUTE"
        self._resume()
        return ACCEPTED

    def _on_stop(self) -> Answer:
        if self.state in ("IDLE", "COMPLETE"):
            self.state, self.phase = "STOPPED", "idle"
        elif self.state in RUNNING:
            self.state = "STOPPING"
        elif self.state in ("ABORTING", "ABORTED"):
            return rejected("wrong_state")
        return ACCEPTED if self.state == "STOPPING" else DONE

    def _on_abort(self) -> Answer:
        if self.state in AT_REST:
            self.state, self.phase = "ABORTED", "idle"
            return DONE
        self.state = "ABORTING"
        return ACCEPTED

    def _on_reset(self) -> Answer:
        if self.state not in AT_REST:
            return rejected("wrong_state")
        if not self._proven_zero():
            return rejected("pressure_present")
        if not self.estop_ok:
            return rejected("safety_chain")
        self.alarms.clear()
        self.link_lost_at_s = None
        self.state, self.phase, self.job = "IDLE", "idle", None
        self._show_job()
        return DONE

    def _show_job(self) -> None:
        """Repeats the loaded job, so that it can be compared before it is started."""
        error = 1.0 + self.control_disturbances.echo_error
        for signal in self.profile.job:
            value = 0.0 if self.job is None else self.job[signal.name]
            wrong = value * error if not signal.integer else round(value * error)
            self._tags[signal.echo or ""] = value if error == 1.0 else wrong

    def _show_identity(self) -> None:
        """What the controller says it is; another model's number, or the version before the oldest that was tried."""
        wrong = self.control_disturbances
        self._tags["model_code"] = self._number + 1 if wrong.wrong_identity else self._number
        self._tags["firmware"] = self._firmware - 1 if wrong.old_firmware else self._firmware

    @property
    def shown_mode(self) -> str:
        """Who may command, as a word of the profile."""
        return "LOCAL" if self.control_disturbances.local_mode else self.mode

    def reboot(self) -> None:
        """The controller starts anew: defaults in all setpoints, no job, no sequence, its heartbeat from 0.

        Under pressure it lets off by the rates that its valves are set to, in ABORTING; otherwise it is IDLE.
        """
        self._booted_at_s = self.time_s
        self._beat_at_s = None
        self._lease = Lease(self.profile.timing.watchdog_s)
        self.alarms.clear()
        self.link_lost_at_s = None
        self._registers = dict.fromkeys(self._registers, 0.0)
        answers = ("acknowledged_sequence", "acknowledge_result", "acknowledge_reason")
        echoes = [signal.echo or "" for signal in self.profile.job]
        self._tags.update(dict.fromkeys(self._tags.keys() & {*_COMMAND, *answers, *self._registers, *echoes}, 0))
        if self.state in (*RUNNING, "STOPPING", "ABORTING") and self.job is not None:
            self.state = "ABORTING"
        else:
            self.state, self.phase, self.job = "IDLE", "idle", None
        self._publish()

    def _on_tare(self) -> Answer:
        return rejected("unknown_command")

    # ---- what a machine fills in ----

    def _may_restart(self) -> bool:
        return True

    def _may_hold(self) -> bool:
        return self.phase != "release"

    @abstractmethod
    def _loaded_job(self, *, first: bool) -> None:
        """A job was loaded; the first one finds a prepared line warmed up."""

    @abstractmethod
    def _resume(self) -> None:
        """The held job goes on."""

    @abstractmethod
    def _missing_permissive(self) -> str | None:
        """Why the job may not start, as a word of the profile's reasons, or None."""

    @abstractmethod
    def _begin(self) -> None:
        """The loaded job starts."""

    @abstractmethod
    def _proven_zero(self) -> bool:
        """Whether nothing is under pressure, as far as the machine can prove."""

    @abstractmethod
    def _publish(self) -> None:
        """Brings the tags up to date."""
