"""What a subscriber was given, held against what the line told: nothing is missing, twice, late or undocumented."""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from controller.telemetry.topics import TOPICS, schema_of
from tests.telemetry.sparkplug.host import Host

LATER, NOW = b'{"historical":true,', b'{"historical":false,'
SPARKPLUG = re.compile(
    r"spBv1\.0/[^/]+/(?:NBIRTH|NDEATH|NDATA|NCMD)/[^/]+|spBv1\.0/[^/]+/D(?:BIRTH|DEATH|DATA)/[^/]+/[^/]+"
)
_NAMES = {"kind": r"[^+#]+", "alarm": r"[^/]+(?:/[^/]+)?"}


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as mosquitto_sub has it."""

    topic: str
    payload: bytes
    qos: int
    retained: bool


@dataclass
class Told:
    """What the line told, in order: digests of the JSON messages, and of every change of a Sparkplug metric.

    away are the stretches of `payloads` that were told while there was no broker, between those in which one was there
    and the line not yet connected; events are the journal's records; flying is how many messages were on their way when
    a broker was killed, which may come twice.
    """

    payloads: list[bytes] = field(default_factory=list)
    changes: dict[int, str] = field(default_factory=dict)
    away: list[tuple[int, int]] = field(default_factory=list)
    between: list[tuple[int, int]] = field(default_factory=list)
    events: Mapping[int, str] = field(default_factory=dict)
    flying: int = 0


class Hashes(set[Any]):
    """Keeps the hashes of what is put in: millions of values fit into memory so."""

    def add(self, item: Any) -> None:
        super().add(change_of(*item))


def change_of(device: str | None, name: str, time_ms: int, value: Any) -> int:
    """A value of a metric at a time, whether it is told as a Float or a Double."""
    rounded = struct.unpack("f", struct.pack("f", value))[0] if isinstance(value, float) else value
    return hash((device, name, time_ms, rounded))


def kinds_of_topics(root: str) -> dict[str, re.Pattern[str]]:
    """A pattern of each documented topic, the special ones before those that begin with a unit's name."""
    found = {}
    for name, one in sorted(TOPICS.items(), key=lambda item: item[1].path.startswith("{")):
        path = re.sub(r"\{(\w+)\}", lambda word: f"(?:{_NAMES.get(word[1], '[^/]+')})", one.path)
        found[name] = re.compile(f"{re.escape(root)}/{path}")
    return found


class Judge:
    """Takes every message in order; `faults` counts what was wrong."""

    def __init__(self, root: str, digest: Callable[[str, bytes], bytes]) -> None:
        self._digest, self._topics = digest, kinds_of_topics(root)
        self._schemas = {name: jsonschema.Draft202012Validator(schema_of(one)) for name, one in TOPICS.items()}
        self.host = Host()
        self.host.history = Hashes()
        self.events: list[tuple[int, str]] = []
        self.later: dict[bytes, str] = {}
        self.again = 0
        self.now: set[bytes] = set()
        self.count: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def take(self, heard: Heard) -> None:
        if heard.topic.startswith("spBv1.0/"):
            self._sparkplug(heard)
        elif name := next((name for name, one in self._topics.items() if one.fullmatch(heard.topic)), None):
            self.count[name] += 1
            self._json(name, heard)
        else:
            self.faults[f"the topic {heard.topic} is not documented"] += 1

    def _sparkplug(self, heard: Heard) -> None:
        kind = heard.topic.split("/")[2]
        self.count[kind] += 1
        if not SPARKPLUG.fullmatch(heard.topic):
            self.faults[f"the topic {heard.topic} is not documented"] += 1
        try:
            self.host.take(heard.topic, heard.payload, heard.qos, retain=heard.retained)
        except AssertionError as error:
            self.faults[f"{kind}: {error}"] += 1

    def _json(self, name: str, heard: Heard) -> None:
        if not heard.payload:
            return
        message = json.loads(heard.payload)
        if (error := next(self._schemas[name].iter_errors(message), None)) is not None:
            self.faults[f"{name}: {error.message[:200]}"] += 1
        if heard.qos != 1:
            self.faults[f"{name} with QoS {heard.qos}"] += 1
        if name == "event":
            self.events.append((message["sequence"], message["hash"]))
        marked = message["historical"]
        told = self._digest(heard.topic, b"{" + heard.payload[len(LATER if marked else NOW) :])
        if not marked:
            self.now.add(told)
        elif name != "event":
            self.again += told in self.later
            self.later.setdefault(told, f"{heard.topic} of {message['utc']}")

    # ---------------------------------------------------------------------- at the end

    def verdict(self, told: Told) -> list[str]:
        """What was wrong with all of it together."""
        wrong = [f"{words} ({count} times)" for words, count in self.faults.items()]
        return [*wrong, *self._events(told), *self._values(told), *self._changes(told)]

    def _events(self, told: Told) -> list[str]:
        once = list(dict.fromkeys(self.events))
        again = len(self.events) - len(once)
        missing = told.events.items() - set(once)
        return _said(
            (again <= told.flying, f"{again} events came twice, {told.flying} messages were on their way"),
            (once == sorted(once), "events came out of their order"),
            (not missing, f"{len(missing)} of {len(told.events)} events did not come: {sorted(missing)[:5]}"),
        )

    def _values(self, told: Told) -> list[str]:
        once, again = list(self.later), self.again
        place = {one: number for number, one in enumerate(told.payloads)}
        order = [place[one] for one in once if one in place]
        away = {one for begin, end in told.away for one in told.payloads[begin:end]}
        missing = set(told.payloads) - self.now - set(once)
        unmarked = away - set(once)
        either = {one for begin, end in told.between for one in told.payloads[begin:end]}
        early = set(once) - away - either
        return _said(
            (not missing, f"{len(missing)} of {len(told.payloads)} values and states did not come"),
            (not unmarked, f"{len(unmarked)} of {len(away)} that were told without a broker are not historical"),
            (
                len(early) <= told.flying,
                f"{len(early)} that were told to a broker are historical: {[self.later[one] for one in early][:5]}",
            ),
            (again <= told.flying, f"{again} historical ones came twice, {told.flying} were on their way"),
            (len(order) == len(once), f"{len(once) - len(order)} historical ones were never told"),
            (order == sorted(order), "historical values and states came out of their order"),
        )

    def _changes(self, told: Told) -> list[str]:
        missing = [told.changes[one] for one in told.changes.keys() - self.host.history]
        words = f"{len(missing)} of {len(told.changes)} changes of metrics did not come: {sorted(missing)[:10]}"
        return _said((not missing, words))


def _said(*checks: tuple[bool, str]) -> list[str]:
    return [words for is_right, words in checks if not is_right]


def judged(heard: Iterable[Heard], told: Told, judge: Judge) -> Sequence[str]:
    """What was wrong."""
    for message in heard:
        judge.take(message)
    return judge.verdict(told)
