"""The edge node: a line that is born, tells of its units and dies, by the rules of Sparkplug B 3.0.0.

It decides and opens nothing: the owner of the connection does what a Reaction says, in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controller.telemetry.sparkplug import messages
from controller.telemetry.sparkplug.catalogue import Catalogue
from controller.telemetry.sparkplug.commands import Asked, read_command
from controller.telemetry.sparkplug.current import CurrentValues
from controller.telemetry.sparkplug.doubt import Doubt
from controller.telemetry.sparkplug.errors import NameRefused, OutOfTurn
from controller.telemetry.sparkplug.messages import Opening, Outgoing
from controller.telemetry.sparkplug.numbers import ROUND
from controller.telemetry.sparkplug.numbers import Sequence as SequenceNumbers
from controller.telemetry.sparkplug.payload import Payload, encode
from controller.telemetry.sparkplug.primary_host import PrimaryHost, read_state
from controller.telemetry.sparkplug.samples import Sample
from controller.telemetry.sparkplug.topics import MessageType, NodeName

REBIRTH_GAP_S: Final = 1.0  # engineering judgement: ten hosts that miss the same message ask within it


class NodeState(StrEnum):
    """Where the session is."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    WAITING = "waiting for the primary host"
    ONLINE = "online"
    HOLDING = "holding its data back until its next birth"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows: messages to publish in this order, samples to keep, what to tell people, a disconnect at last."""

    messages: tuple[Outgoing, ...] = ()
    kept: tuple[Sample, ...] = ()
    notices: tuple[str, ...] = ()
    disconnect: bool = False


class EdgeNode:
    """One line as an edge node, its units as devices. Not safe for several threads; nothing in it waits."""

    def __init__(
        self,
        name: NodeName,
        catalogue: Catalogue,
        *,
        utc_ms: Callable[[], int],
        now_s: Callable[[], float],
        primary_host: str | None = None,
        rebirth_gap_s: float = REBIRTH_GAP_S,
        host_doubt_s: float = 0.0,
    ) -> None:
        """utc_ms dates messages, now_s (the loop's time) spaces births by `rebirth_gap_s`.

        With a primary host nothing is published while it is away; on its way out it may have missed what was sent
        within `host_doubt_s` (half as long again as its keep-alive), which is then kept too. Raises NameRefused.
        """
        for device in catalogue.devices:
            name.topic(MessageType.DBIRTH, device)
        self.name = name
        self.state = NodeState.OFFLINE
        self._catalogue = catalogue
        self._utc_ms = utc_ms
        self._now_s = now_s
        self._host = None if primary_host is None else PrimaryHost(primary_host)
        self._gap_s = rebirth_gap_s
        self._current = CurrentValues(catalogue)
        self._doubt = Doubt(host_doubt_s)
        self._sequence = SequenceNumbers()
        self._number = 0
        self._bd_seq = 0
        self._present: set[str] = set()
        self._born: set[str] = set()
        self._born_s = float("-inf")
        self._held: list[Sample] = []

    # ------------------------------------------------------------ the connection

    def connecting(self, bd_seq: int) -> Opening:
        """A CONNECT comes next; bd_seq is from `next_death_number`. Raises OutOfTurn unless offline."""
        if self.state is not NodeState.OFFLINE or not 0 <= bd_seq < ROUND:
            raise OutOfTurn(f"no connection can be opened with bdSeq {bd_seq} by a node that is {self.state}")
        self.state = NodeState.CONNECTING
        self._bd_seq = bd_seq
        commands = [self.name.topic(MessageType.NCMD)]
        commands += [self.name.topic(MessageType.DCMD, device) for device in self._catalogue.devices]
        if self._host is not None:
            self._host.unknown()
            commands.append(self._host.topic)
        return Opening(self._death(qos=1), tuple((topic, 1) for topic in commands))

    def connected(self) -> Reaction:
        """The broker took the connection and every subscription. Raises OutOfTurn unless `connecting` came before."""
        if self.state is not NodeState.CONNECTING:
            raise OutOfTurn(f"a node that is {self.state} was not connecting")
        if self._host is not None and not self._host.online:
            self.state = NodeState.WAITING
            return Reaction(notices=("waiting for the primary host",))
        return Reaction(self._births())

    def lost(self) -> tuple[Sample, ...]:
        """The connection is gone, or was closed; gives what has to be kept because it may not have arrived."""
        self.state = NodeState.OFFLINE
        self._born.clear()
        held, self._held = self._held, []
        return (*self._doubt.broker_lost(), *held)

    def leaving(self) -> Reaction:
        """The death to publish before a disconnect that is meant; the session is over. What was not proved is kept."""
        if self.state is NodeState.OFFLINE:
            return Reaction()
        return Reaction((self._death(qos=0),), self.lost(), disconnect=True)

    def proved(self, number: int) -> None:
        """Every message up to `number` reached the broker (a later packet of this connection was acknowledged)."""
        self._doubt.prove(number, self._now_s())

    @property
    def last_number(self) -> int:
        """The number of the last message that was given out; 0 before the first."""
        return self._number

    @property
    def forgotten(self) -> int:
        """Samples that were sent, never proved, and let go for want of memory."""
        return self._doubt.forgotten

    # ------------------------------------------------------------ what is told

    def update(self, samples: Iterable[Sample]) -> Reaction:
        """Values that were seen; what did not change is left out. Samples in `kept` belong into the outbox.

        Raises NameRefused for a metric that is not in the catalogue, ValueRefused for a value that does not fit it.
        """
        news = self._current.take(samples)
        if not self._in_session():
            return Reaction(kept=news)
        sendable, kept = self._split(news)
        if self.state is NodeState.HOLDING:
            self._held += sendable
            return Reaction(kept=kept)
        return Reaction(self._data(sendable), kept)

    def replay(self, samples: Iterable[Sample]) -> Reaction:
        """Kept samples, oldest first, as historical data. `kept` are those that still cannot be sent."""
        usable, notices = self._current.usable(samples)
        if self.state is not NodeState.ONLINE:
            return Reaction(kept=usable, notices=notices)
        sendable, kept = self._split(usable)
        return Reaction(self._data(sendable, historical=True), kept, notices)

    def device_came(self, device: str) -> Reaction:
        """The link to a unit is up. Raises NameRefused for a unit that is not in the catalogue."""
        self._known(device)
        self._present.add(device)
        if self.state is not NodeState.ONLINE or device in self._born:
            return Reaction()
        return Reaction((self._device_birth(device),))

    def device_went(self, device: str) -> Reaction:
        """The link to a unit is down: its values are stale for everybody. Raises NameRefused as above."""
        self._known(device)
        self._present.discard(device)
        if device not in self._born:
            return Reaction()
        self._born.discard(device)
        gone = Payload(self._utc_ms(), self._sequence.take())
        return Reaction((self._out(self.name.topic(MessageType.DDEATH, device), gone),))

    def clock_was_set_back(self, by_ms: int) -> None:
        """The clock that dates values was set back: what is told now is older than the last, and no past."""
        self._current.earlier(by_ms)

    # ------------------------------------------------------------ what comes

    def received(self, topic: str, payload: bytes) -> Reaction:
        """A message that a subscription brought. Nothing that comes changes a value or moves a machine."""
        if self._host is not None and topic == self._host.topic:
            return self._host_said(self._host, payload)
        if (command := self.name.command(topic)) is None:
            return Reaction()
        kind, device = command
        asked = read_command(kind, device, payload, self._catalogue)
        return self._asked(device, asked)

    def due_s(self) -> float | None:
        """When `elapsed` has something to do (the loop's time); None if nothing waits."""
        return self._born_s + self._gap_s if self.state is NodeState.HOLDING else None

    def elapsed(self) -> Reaction:
        """The births that were held back, if their time has come, and then what was seen meanwhile as historical."""
        due_s = self.due_s()
        if due_s is None or self._now_s() < due_s:
            return Reaction()
        born, held = self._births(), tuple(self._held)
        self._held.clear()
        sendable, kept = self._split(held)
        return Reaction((*born, *self._data(sendable, historical=True)), kept)

    def _asked(self, device: str | None, asked: Asked) -> Reaction:
        if not asked.rebirth or not self._in_session():
            return Reaction(notices=asked.notices)
        told = (*asked.notices, f"a host asked {device or 'the node'} to be born again")
        if device is None or self._too_soon():
            return Reaction(self._rebirth(), notices=told)
        self._born_s = self._now_s()
        return Reaction((self._device_birth(device),) if device in self._born else (), notices=told)

    def _host_said(self, host: PrimaryHost, payload: bytes) -> Reaction:
        word = read_state(payload)
        if word is None:
            return Reaction(notices=(f"a state of the primary host that cannot be read came on {host.topic}",))
        before_ms = host.since_ms
        if not host.hear(word):
            return Reaction(notices=("an outdated state of the primary host was ignored",))
        same = word.online and word.timestamp_ms == before_ms
        missed = () if same else self._doubt.host_lost()
        if word.online and self.state is NodeState.WAITING:
            return Reaction(self._births(), missed, ("the primary host is online",))
        if same or not self._in_session():
            return Reaction(kept=missed)
        if word.online:
            return Reaction(self._rebirth(), missed, ("the primary host began another session",))
        parting = self.leaving()
        return Reaction(parting.messages, (*missed, *parting.kept), ("the primary host went offline",), disconnect=True)

    def _in_session(self) -> bool:
        return self.state in (NodeState.ONLINE, NodeState.HOLDING)

    def _too_soon(self) -> bool:
        return self.state is NodeState.HOLDING or self._now_s() < self._born_s + self._gap_s

    def _rebirth(self) -> tuple[Outgoing, ...]:
        """Births now, or none yet and no data either, if the last ones went out a moment ago."""
        if self._too_soon():
            self.state = NodeState.HOLDING
            return ()
        return self._births()

    # ------------------------------------------------------------ messages

    def _births(self) -> tuple[Outgoing, ...]:
        self.state = NodeState.ONLINE
        self._born_s = self._now_s()
        self._sequence.restart()
        node = self._birth(None)
        return node, *(self._device_birth(device) for device in self._catalogue.devices if device in self._present)

    def _device_birth(self, device: str) -> Outgoing:
        self._born.add(device)
        return self._birth(device)

    def _birth(self, device: str | None) -> Outgoing:
        kind = MessageType.NBIRTH if device is None else MessageType.DBIRTH
        values, now_ms = self._current.born(device), self._utc_ms()
        payload = messages.birth(self._catalogue, values, device, now_ms, self._sequence.take(), self._bd_seq)
        return self._out(self.name.topic(kind, device), payload)

    def _data(self, samples: Sequence[Sample], *, historical: bool = False) -> tuple[Outgoing, ...]:
        sent = []
        for device in dict.fromkeys(sample.device for sample in samples):
            group = tuple(sample for sample in samples if sample.device == device)
            past, quality = self._current.flags(group, historical=historical)
            seq, now_ms = self._sequence.take(), self._utc_ms()
            payload = messages.data(self._catalogue, group, now_ms, seq, historical=past, with_quality=quality)
            kind = MessageType.NDATA if device is None else MessageType.DDATA
            sent.append(self._out(self.name.topic(kind, device), payload))
            self._doubt.add(sent[-1].number, self._now_s(), group)
        return tuple(sent)

    def _death(self, qos: int) -> Outgoing:
        payload = messages.death(self._bd_seq, self._utc_ms())
        return Outgoing(self.name.topic(MessageType.NDEATH), encode(payload), self._number, qos)

    def _out(self, topic: str, payload: Payload) -> Outgoing:
        self._number += 1
        return Outgoing(topic, encode(payload), self._number)

    def _split(self, samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
        """What may be sent now, and what its device's birth has to come first for."""
        born = {None, *self._born}
        return tuple(one for one in samples if one.device in born), tuple(
            one for one in samples if one.device not in born
        )

    def _known(self, device: str) -> None:
        if device not in self._catalogue.devices:
            raise NameRefused(f"{device} is no unit of this line")
