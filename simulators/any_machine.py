"""A controller with nothing behind it that obeys any profile: to try a profile, a client or a line without a machine.

A machine answers the whole handshake: numbered commands, job and echo, heartbeats both ways, lease and watchdog.
Nothing moves: a started job runs until it is held, stopped or aborted, and every value stays what it is. An instrument
holds its values; a write changes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from drivers.errors import DeviceRefused
from drivers.profile import Profile, Signal
from simulators.control import PlcDisturbances
from simulators.lease import Lease
from simulators.wire.ascii_image import AsciiImage
from simulators.wire.image import RegisterImage

_UNKNOWN_NAME, _ILLEGAL_VALUE, _BUSY = 2, 3, 6  # Modbus exception codes; the shipped text lines use the same numbers
_HANDSHAKE = frozenset({"command_code", "command_sequence", "heartbeat_controller", "lease_request"})
_AT_REST = ("IDLE", "STOPPED", "ABORTED", "COMPLETE")
_STARTS_FROM = {
    "load_job": ("IDLE",),
    "start": ("IDLE",),
    "hold": ("EXECUTE",),
    "restart": ("HELD",),
    "tare": ("IDLE",),
}
_LEADS_TO = {
    "start": "EXECUTE",
    "hold": "HELD",
    "restart": "EXECUTE",
    "stop": "STOPPED",
    "abort": "ABORTED",
    "reset": "IDLE",
}
_PHASES = {"EXECUTE": "prepare", "HELD": "held"}


class AnyController:
    """The controller itself, as a wire's image wants it. `tags` may be set by a test, to show any value."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.control_disturbances = PlcDisturbances()
        self.tags: dict[str, Any] = {}
        self._now_s = 0.0
        self._frozen: dict[str, Any] = {}
        self._overlaid: dict[str, Any] = {}
        self._switch_on()

    def _switch_on(self) -> None:
        profile = self.profile
        self.tags.update({s.name: _at_first(profile, s) for s in profile.signals.values()})
        self._loaded = False
        self._lease = Lease(profile.timing.watchdog_s)
        self._beat_at_s: float | None = None
        self._booted_at_s = self._now_s
        if profile.is_machine:
            self._enter("IDLE")
            self._set_bit("estop_ok", on=True)

    @property
    def state(self) -> str:
        """The PackML state's name, "" for an instrument."""
        return self.profile.word("packml_state", self.tags["machine_state"]) or "" if self.profile.is_machine else ""

    # ---- time ----

    def advance(self, now_s: float) -> None:
        """Brings heartbeat, watchdog and lease up to now."""
        self._now_s = now_s
        wrong = self.control_disturbances
        frozen = wrong.frozen_tags or wrong.heartbeat_frozen
        before = dict(self.tags) if frozen else {}
        if self.profile.is_machine:
            self._watch(now_s)
        self._show_wrong()
        if frozen or self._frozen:
            wrong.shown(self.tags, before, self._frozen)

    def reboot(self) -> None:
        """The controller starts anew: its tags are what they were at first, no job, nobody's lease."""
        self._switch_on()

    def _watch(self, now_s: float) -> None:
        self.tags["heartbeat_machine"] = int(2 * (now_s - self._booted_at_s)) & 0xFFFF
        silent_s = 0.0 if self._beat_at_s is None else now_s - self._beat_at_s
        if self.state in ("EXECUTE", "HELD") and silent_s > self.profile.timing.watchdog_s:
            self._enter("ABORTED")
            self._set_bit("link_lost", on=True)
        self._show_link()

    def _show_wrong(self) -> None:
        """Mode and identity as they are disturbed; what was there before comes back afterwards."""
        wrong, profile = self.control_disturbances, self.profile
        wanted: dict[str, Any] = {}
        if wrong.local_mode and "LOCAL" in profile.enums.get("mode", {}):
            wanted["mode"] = profile.number("mode", "LOCAL")
        if wrong.wrong_identity and "model_code" in self.tags:
            wanted["model_code"] = int(profile.identity["model_code"]) + 1
        if wrong.old_firmware and "firmware" in self.tags:
            wanted["firmware"] = int(profile.identity.get("firmware_min", 100)) - 1
        for name in self._overlaid.keys() - wanted.keys():
            self.tags[name] = self._overlaid.pop(name)
        for name, value in wanted.items():
            self._overlaid.setdefault(name, self.tags[name])
            self.tags[name] = value

    # ---- what is written ----

    def write(self, values: Mapping[str, float]) -> None:
        """Takes values, a heartbeat or a command, all or nothing.

        :raises DeviceRefused: 2 for a name that cannot be written, 3 for a value outside its limits, 6 for a heartbeat
            while another holds the lease or a value while the controller is busy.
        """
        for name, value in values.items():
            self._check(name, value)
        if self.control_disturbances.busy and "heartbeat_controller" not in values:
            raise DeviceRefused(_BUSY)
        machine = self.profile.is_machine  # an instrument's signals mean nothing here, whatever they are called
        if machine and "heartbeat_controller" in values:
            self._heard(int(values["heartbeat_controller"]), values.get("lease_request"))
        self.tags.update(values)
        if machine and "command_sequence" in values:
            self._command(int(self.tags["command_code"]), int(values["command_sequence"]))
        self.advance(self._now_s)

    def _check(self, name: str, value: float) -> None:
        signal = self.profile.signals.get(name)
        if name in _HANDSHAKE and self.profile.is_machine:
            return
        if signal is None or "w" not in signal.access:
            raise DeviceRefused(_UNKNOWN_NAME)
        low, high = signal.limits or (-math.inf, math.inf)
        if not (math.isfinite(value) and low <= value <= high):
            raise DeviceRefused(_ILLEGAL_VALUE)
        if signal.enum is not None and value not in self.profile.enum_words[signal.enum]:
            raise DeviceRefused(_ILLEGAL_VALUE)

    def _heard(self, count: int, lease: float | None) -> None:
        self._lease.beat(count, None if lease is None else int(lease), self._now_s)
        if self._beat_at_s is None or count != self.tags.get("heartbeat_controller"):
            self._beat_at_s = self._now_s

    def _command(self, code: int, sequence: int) -> None:
        if sequence == self.tags["acknowledged_sequence"]:
            return  # the same number again is a replay of what was already done
        result, reason = self._obey(self.profile.enum_words["command"].get(code))
        self.tags["acknowledged_sequence"] = sequence
        self.tags["acknowledge_result"] = self.profile.number("result", result)
        self.tags["acknowledge_reason"] = self._reason(reason)

    def _obey(self, name: str | None) -> tuple[str, str]:
        """Result and reason, as words of the profile."""
        wrong = self.control_disturbances
        if name is None:
            return "REJECTED", "unknown_command"
        if wrong.reject is not None and wrong.concerns(name):
            return "REJECTED", wrong.reject
        if wrong.never_done and wrong.concerns(name):
            return ("ACCEPTED" if name in ("start", "restart") else "DONE"), "none"
        if name not in self.profile.safe_commands and self.profile.word("mode", self.tags["mode"]) != "REMOTE":
            return "REJECTED", "not_remote"
        if self.state not in _STARTS_FROM.get(name, _AT_REST if name == "reset" else (self.state,)):
            return "REJECTED", "wrong_state"
        if name == "start" and not self._loaded:
            return "REJECTED", "no_job"
        if name == "load_job":
            return self._load()
        if name == "reset":
            self._loaded = False
            self._set_bit("link_lost", on=False)
        if name == "start" and self._beat_at_s is None:
            self._beat_at_s = self._now_s  # who never beats is watched from here on
        if name in _LEADS_TO:
            self._enter(_LEADS_TO[name])
        return ("ACCEPTED" if name in ("start", "restart") else "DONE"), "none"

    def _load(self) -> tuple[str, str]:
        for signal in self.profile.job:
            low, high = signal.limits or (-math.inf, math.inf)
            if not low <= self.tags[signal.name] <= high:
                return "REJECTED", "job_out_of_range"
        for signal in self.profile.job:
            error = 1.0 + self.control_disturbances.echo_error
            value = self.tags[signal.name]
            self.tags[signal.echo or ""] = value if error == 1.0 else type(value)(value * error)
        self._loaded = True
        return "DONE", "none"

    def _reason(self, word: str) -> int:
        """The reason's number; a profile without this word still tells that there is a reason."""
        numbers = self.profile.enums["reason"]
        return numbers.get(word, max(numbers.values())) if word != "none" else numbers.get(word, 0)

    # ---- what is shown ----

    def _enter(self, state: str) -> None:
        self.tags["machine_state"] = self.profile.number("packml_state", state)
        self.tags["phase"] = self.profile.enums["phase"].get(_PHASES.get(state, "idle"), 0)

    def _show_link(self) -> None:
        if "lease_owner" in self.profile.signals:
            self.tags["lease_owner"] = self._lease.owner(self._now_s)
        beats = self._beat_at_s is not None and self._now_s - self._beat_at_s <= self.profile.timing.watchdog_s
        self._set_bit("link_ok", on=beats)

    def _set_bit(self, bit: str, *, on: bool) -> None:
        if bit in self.profile.bit_places:
            name, place = self.profile.bit_places[bit]
            self.tags[name] = int(self.tags[name]) | 1 << place if on else int(self.tags[name]) & ~(1 << place)


class AnyMachine:
    """AnyController on a wire, as `simulators.wire.serve_line` wants it.

    A Modbus profile has `registers`, a line of text `answer(request)`; `unit` is the number that a line of text is
    asked by. `clock` gives the line's time in seconds.
    """

    def __init__(self, profile: Profile, clock: Callable[[], float], unit: int = 1) -> None:
        self.profile = profile
        self.controller = AnyController(profile)
        if profile.protocol == "modbus":
            self.registers = RegisterImage(profile, self.controller, clock)
        else:
            self.answer = AsciiImage(profile, self.controller, clock, unit).answer

    @property
    def tags(self) -> dict[str, Any]:
        return self.controller.tags

    def advance(self, now_s: float) -> None:
        self.controller.advance(now_s)

    def write(self, values: Mapping[str, float]) -> None:
        self.controller.write(values)


def _at_first(profile: Profile, signal: Signal) -> Any:
    """What a signal shows when the controller is switched on: what identifies it, or else what its range allows."""
    if signal.name in profile.identity:
        return profile.identity[signal.name]
    if signal.name == "firmware" and (profile.is_machine or "firmware_min" in profile.identity):
        return profile.identity.get("firmware_min", 100)
    if signal.name == "mode" and profile.is_machine:
        return profile.number("mode", "REMOTE")
    if signal.type == "text":
        return ""
    if signal.enum is not None:
        return min(profile.enums[signal.enum].values())
    low, high = signal.range or (0.0, 0.0)
    return min(max(0.0, low), high) if not signal.integer else int(min(max(0, low), high))
