"""What a profile must be as a whole: (place, sentence) for every mistake, and for advice that does not stop anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from drivers.encoding import INTEGER_LIMITS
from drivers.profile_kinds import (
    COMMANDS,
    ENUMS,
    MACHINE_SIGNALS,
    MACHINE_TIMES,
    MACHINES,
    POLLED,
    REGISTER_SIGNALS,
    SAFE_COMMANDS,
    needs_of,
)
from drivers.profile_line_checks import line_advice, line_mistakes
from drivers.profile_shape import ProfileShape
from drivers.profile_signal_checks import register_advice, register_mistakes, signal_advice, signal_mistakes
from drivers.profile_yaml import Place
from drivers.units import unit_of_name

Found = Iterator[tuple[Place, str]]


def mistakes_of(shape: ProfileShape) -> Found:
    """Everything that keeps the profile from being used."""
    yield from _protocol(shape)
    yield from _names(shape)
    yield from signal_mistakes(shape)
    if shape.protocol == "modbus":
        yield from register_mistakes(shape)
    else:
        yield from line_mistakes(shape)
    yield from _enums(shape)
    yield from _timing(shape)
    yield from _identity(shape)
    if shape.kind in MACHINES:
        yield from _machine(shape)
        yield from _lease(shape)
    else:
        yield from _instrument(shape)


def advice_of(shape: ProfileShape) -> Found:
    """What is allowed and probably not meant."""
    yield from signal_advice(shape)
    yield from register_advice(shape) if shape.protocol == "modbus" else line_advice(shape)
    for key in ("meaning", "document"):
        if not getattr(shape, key):
            yield (), f"{key} is missing: a reader wants to know what this is and where it is described"
    if not shape.identity:
        yield ("identity",), "is empty: any controller that answers at this address is taken for the right one"
    elif shape.kind in MACHINES and "firmware_min" not in shape.identity:
        yield ("identity",), "firmware_min is missing: a firmware that was never tried is taken too"
    used = {s.enum for s in shape.signals}
    for name in shape.enums:
        if name not in used:
            yield ("enums", name), "no signal has this enumeration"
    if shape.kind not in MACHINES and shape.timing.poll_idle_s is None:
        yield ("timing",), "poll_idle_s is missing: the instrument is read when it is asked only"


def _protocol(shape: ProfileShape) -> Found:
    modbus = shape.protocol == "modbus"
    if modbus and shape.line is not None:
        yield ("line",), "a Modbus profile has no text line"
    if modbus and shape.blocks:
        yield ("blocks",), "the reads of a Modbus profile are planned from its signals: take the blocks out"
    if not modbus and shape.modbus is not None:
        yield ("modbus",), "a text line has no registers"


def _names(shape: ProfileShape) -> Found:
    counts = Counter(s.name for s in shape.signals) + Counter(bit for s in shape.signals for bit in s.bits)
    for i, signal in enumerate(shape.signals):
        if counts[signal.name] > 1:
            yield ("signals", i, "name"), f"the name {signal.name} is there {counts[signal.name]} times"
        for place, bit in enumerate(signal.bits):
            if counts[bit] > 1:
                yield ("signals", i, "bits", place), f"the name {bit} is there {counts[bit]} times"


def _enums(shape: ProfileShape) -> Found:
    for name, table in shape.enums.items():
        if name == "command":
            yield ("enums", name), "is made of the commands: take it out"
        numbers = Counter(table.values())
        for word, number in table.items():
            if numbers[number] > 1:
                yield ("enums", name, word), f"the number {number} is there {numbers[number]} times"
    codes = Counter(c.code for c in shape.commands.values())
    for name, command in shape.commands.items():
        if codes[command.code] > 1:
            yield ("commands", name, "code"), f"the code {command.code} is there {codes[command.code]} times"


def _timing(shape: ProfileShape) -> Found:
    times = {name: duration.value for name, duration in shape.timing if duration is not None}
    for name, value in times.items():
        if value == 0:
            yield ("timing", name, "value"), "must be above 0"
    for shorter, longer, why in (
        ("response_timeout_s", "stale_after_s", "values go stale while an answer is still waited for"),
        ("response_timeout_s", "acknowledge_timeout_s", "an acknowledge cannot be read in this time"),
        ("heartbeat_period_s", "watchdog_s", "the machine gives us up between two beats"),
        ("poll_moving_s", "stale_after_s", "values go stale between two polls"),
        ("poll_dwelling_s", "stale_after_s", "values go stale between two polls"),
        ("poll_idle_s", "stale_after_s", "values go stale between two polls"),
    ):
        if shorter in times and longer in times and times[shorter] >= times[longer]:
            yield ("timing", shorter, "value"), f"must be below {longer} ({times[longer]:g} s): {why}"


def _identity(shape: ProfileShape) -> Found:
    by_name = {s.name: s for s in shape.signals}
    for key, wanted in shape.identity.items():
        name = "firmware" if key == "firmware_min" else key
        if wanted == "":
            yield ("identity", key), "is empty: what must be there?"
        elif key == "model" and shape.line is not None and name not in by_name:
            if shape.line.identify is None:
                yield ("identity", key), "the line has no identify request that could ask for it"
        elif name not in by_name or by_name[name].access == "w":
            yield ("identity", key), f"there is no signal {name} that can be read"
        elif isinstance(wanted, str) != (by_name[name].type == "text"):
            yield ("identity", key), f"{wanted!r} is not what a signal of type {by_name[name].type} gives"


def _instrument(shape: ProfileShape) -> Found:
    if shape.commands:
        yield ("commands",), f"a {shape.kind} is an instrument: it obeys no commands"
    if shape.safe_state is not None:
        yield ("safe_state",), "an instrument has no safe state"
    for name in shape.without:
        yield ("without", name), "is for machines: nothing of an instrument protects anybody"
    for i, signal in enumerate(shape.signals):
        if signal.echo is not None:
            yield ("signals", i, "echo"), "an instrument has no job: its values are written one by one"


def _machine(shape: ProfileShape) -> Found:
    if "model_code" not in shape.identity:
        yield ("identity",), "model_code is missing: a machine must prove what it is"
    for name in MACHINE_TIMES:
        if getattr(shape.timing, name) is None:
            yield ("timing",), f"{name} is missing"
    names = {s.name: s for s in shape.signals}
    needed = (*MACHINE_SIGNALS, *(REGISTER_SIGNALS if shape.protocol == "modbus" else ()))
    yield from ((("signals",), f"{name} is missing") for name in needed if name not in names)
    if shape.protocol == "ascii" and shape.line is not None:
        for request in ("read", "write_job", "command", "heartbeat"):
            if getattr(shape.line, request) is None:
                yield ("line",), f"{request} is missing"
    for name in COMMANDS:
        if name not in shape.commands:
            yield ("commands",), f"{name} is missing"
        elif (name in SAFE_COMMANDS) > shape.commands[name].lowers_risk:
            yield ("commands", name), "must have lowers_risk: true, it is what makes the machine safe"
    for i, signal in enumerate(shape.signals):
        enum, words = ENUMS.get(signal.name, (signal.enum, ()))
        if signal.enum != enum:
            yield ("signals", i), f"{signal.name} needs the enumeration {enum}"
        for word in words:
            if signal.enum in shape.enums and word not in shape.enums[signal.enum]:
                yield ("enums", signal.enum), f"{word} is missing"
    for i, signal in enumerate(shape.signals):
        whole = (signal.type in INTEGER_LIMITS or signal.type == "integer") and signal.scale == 1 and signal.offset == 0
        if signal.name in MACHINE_SIGNALS and not whole:
            yield ("signals", i), f"{signal.name} must be a whole number without scale and offset"
    yield from _job_of_the_kind(shape)
    yield from _supervision(shape)
    yield from _protections(shape)
    yield from _safe_state(shape)


def _job_of_the_kind(shape: ProfileShape) -> Found:
    """A job that has a value more or less than the intents of its kind could never be downloaded."""
    needs = needs_of(shape.kind, {s.name for s in shape.signals})
    job = {s.name for s in shape.signals if s.echo is not None}
    for name in sorted(needs.job - job):
        yield ("signals",), f"{name} is missing in the job (a signal with an echo)"
    for i, signal in enumerate(shape.signals):
        if signal.echo is not None and signal.name not in needs.job:
            yield ("signals", i, "echo"), f"the job of a {shape.kind} has no {signal.name}"
    for i, signal in enumerate(shape.signals):
        unit = unit_of_name(signal.name)
        if signal.name in needs.job | needs.values and unit and signal.unit != unit:
            yield ("signals", i), f"{signal.name} must be in {unit}: use scale and offset"


def _supervision(shape: ProfileShape) -> Found:
    """What every snapshot must have."""
    needs = needs_of(shape.kind, {s.name for s in shape.signals})
    names = {s.name for s in shape.signals} | {bit for s in shape.signals for bit in s.bits}
    for name in sorted((needs.values | needs.bits) - names):
        yield ("signals",), f"{name} is missing: a {shape.kind} is supervised by it"
    for i, signal in enumerate(shape.signals):
        watched = needs.bits | needs.protections
        supervised = signal.name in needs.values | watched or not watched.isdisjoint(signal.bits)
        if (supervised or signal.name in POLLED) and not shape.polls(signal):
            yield ("signals", i), f"{signal.name} must be read at every poll: the machine is supervised by it"


def _protections(shape: ProfileShape) -> Found:
    """What protects people and product is there, or its absence is stated: nothing is dropped in silence."""
    needs = needs_of(shape.kind, {s.name for s in shape.signals})
    names = {s.name for s in shape.signals} | {bit for s in shape.signals for bit in s.bits}
    for name in sorted(needs.protections - names - shape.without.keys()):
        ask = f"where this one has none, say why under `without`: {{{name}: the reason}}"
        yield ("signals",), f"{name} is missing: a {shape.kind} is held by it; {ask}"
    for name, reason in shape.without.items():
        if name in names:
            yield ("without", name), "is among the signals: take it out here"
        elif name not in needs.protections:
            could = ", ".join(sorted(needs.protections))
            yield ("without", name), f"is nothing that a {shape.kind} may be without; that are {could}"
        elif not reason.strip():
            yield ("without", name), "needs a reason: why is the machine safe without it?"


def _safe_state(shape: ProfileShape) -> Found:
    safe = shape.safe_state
    if safe is None:
        yield (), "safe_state is missing: how is the machine made safe?"
        return
    if safe.command not in shape.commands:
        yield ("safe_state", "command"), f"there is no command {safe.command}"
    elif not shape.commands[safe.command].lowers_risk:
        yield ("safe_state", "command"), f"{safe.command} must have lowers_risk: true"
    for i, state in enumerate(safe.states):
        if state not in shape.enums.get("packml_state", {}):
            yield ("safe_state", "states", i), f"there is no machine state {state}"
    if getattr(shape.timing, safe.within_s, None) is None:
        yield ("safe_state", "within_s"), f"there is no time {safe.within_s}"


def _lease(shape: ProfileShape) -> Found:
    places = {s.name: i for i, s in enumerate(shape.signals)}
    request = "lease_request" in places
    if shape.protocol == "ascii" and shape.line is not None and shape.line.heartbeat is not None:
        request = "{lease_request}" in shape.line.heartbeat.send
    if request and "lease_owner" not in places:
        yield ("signals",), "lease_owner is missing: who owns the machine?"
    if "lease_owner" in places and not request:
        yield ("signals", places["lease_owner"]), "there is no lease_request by which the machine is taken"
