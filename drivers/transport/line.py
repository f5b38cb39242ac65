"""One wire, shared by any number of units: opened by the first of them, closed by the last."""

from __future__ import annotations

import asyncio
from typing import Literal

from drivers.errors import LinkDown
from drivers.transport.dialogue import Dialogue
from drivers.transport.request import Member, Request, after_echo
from drivers.transport.transactions import Transactions
from drivers.transport.wire import Tap, What, Wire, WireEvent


class Line:
    """A wire and the units on it; see Dialogue for what happens between a request and its answer.

    `numbered` lines carry Modbus TCP. `gap_s` is the silence that frames need between them. With `echo` every byte that
    is sent comes back first. `speed` is how much faster the loop's clock runs than the wall's; times are the loop's.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        numbered: bool = False,
        gap_s: float = 0.0,
        echo: bool = False,
        speed: float = 1.0,
        tap: Tap | None = None,
    ) -> None:
        self.place = wire.place
        self.session = 0
        self._wire = wire
        self._numbered = numbered
        self._gap_s = gap_s
        self._echo = echo
        self._speed = speed
        self._tap = tap
        self._members: list[Member] = []
        self._dialogue: Dialogue | None = None
        self._why_closed = LinkDown(f"{self.place}: not connected")
        self._connecting = asyncio.Lock()
        self._failures = 0
        self._heard_early = False

    @property
    def is_open(self) -> bool:
        return self._dialogue is not None and self._wire.is_open

    @property
    def members(self) -> tuple[Member, ...]:
        """The units that have opened the line and not closed it."""
        return tuple(self._members)

    @property
    def transactions(self) -> Transactions | None:
        """The transaction numbers of the present connection; None where answers carry none."""
        return self._dialogue.transactions if self._dialogue is not None else None

    @property
    def proven(self) -> bool:
        """Whether an answer can be told from an echo: one that was none was heard, or echoes are taken off."""
        return self._dialogue is not None and (self._echo or self._dialogue.proven)

    async def open(self, member: Member) -> None:
        """Connects unless connected; who waited for another unit's attempt shares its outcome.

        Raises LinkDown.
        """
        if not member.attached:
            member.attached = True
            self._members.append(member)
        failures = self._failures
        async with self._connecting:
            if self.is_open and member.attached:
                return
            if failures != self._failures:
                raise self._down()
            try:
                await self._connect(member)
            except LinkDown as error:
                self._why_closed = error
                self._failures += 1
                raise

    async def close(self, member: Member) -> None:
        """Ends this unit's exchanges with an error; the last unit to leave closes the wire."""
        if member.attached:
            member.attached = False
            self._members.remove(member)
        if self._members:
            if self._dialogue is not None:
                self._dialogue.leave(member)
        else:
            self._drop(LinkDown(f"{self.place}: not connected"))
            await self._wire.close()

    def take_back(self, member: Member) -> None:
        """Ends the waiting of this unit's usual requests that are no reads, as far as they were not sent."""
        if self._dialogue is not None:
            self._dialogue.take_back(member)

    def exchange(self, request: Request, *, priority: bool = False) -> asyncio.Future[bytes]:
        """The answer to come: raises ResponseTimeout, CorruptAnswer, WrongAnswer, the request's `lost`, or LinkDown.

        LinkDown, raised here or by the answer, means that nothing was sent, unless it is the request's `lost`.
        """
        dialogue = self._dialogue
        if dialogue is None or not request.member.attached:
            raise self._down()
        if self._echo:
            request.judge = after_echo(request.data, request.judge)
        request.answer = answer = asyncio.get_running_loop().create_future()
        dialogue.ask(request, priority=priority)
        return answer

    async def _connect(self, member: Member) -> None:
        if self._dialogue is not None:  # the wire is closing and has not said so yet: nothing of the old may go on
            self._end(LinkDown(f"{self.place}: the connection was lost"), "lost")
        self._why_closed = LinkDown(f"{self.place}: the connection was lost at once")
        self._heard_early = False
        await self._wire.open(self._heard, self._lost)
        if not member.attached or (self._numbered and self._heard_early):
            self._wire.drop()
            why = "talks before it is asked, this is no Modbus" if member.attached else "closed while it was opened"
            raise LinkDown(f"{self.place}: {why}")
        if not self._wire.is_open:
            raise self._down()
        self.session += 1
        self._tell("open")
        self._dialogue = Dialogue(
            self._wire,
            self._write if self._tap is not None else self._wire.write,
            self._members,
            self._drop,
            self._doubted,
            numbered=self._numbered,
            gap_s=self._gap_s,
            speed=self._speed,
        )

    def _write(self, data: bytes) -> None:
        self._tell("sent", data)
        self._wire.write(data)

    def _heard(self, data: bytes) -> None:
        if self._tap is not None:
            self._tell("heard", data)
        if self._dialogue is not None:
            self._dialogue.heard(data)
        else:
            self._heard_early = True

    def _doubted(self, why: str) -> None:
        self._tell("doubted", note=f"{why}; after silence it is asked once more")

    def _lost(self, why: str) -> None:
        """The wire says that it has ended."""
        self._end(LinkDown(why), "lost")

    def _drop(self, why: LinkDown) -> None:
        """We end the wire; open() makes a new connection."""
        self._end(why, "closed")
        self._wire.drop()

    def _end(self, why: LinkDown, what: Literal["lost", "closed"]) -> None:
        self._why_closed = why
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.end(why)
            self._tell(what, note=str(why))

    def _down(self) -> LinkDown:
        return type(self._why_closed)(str(self._why_closed))

    def _tell(self, what: What, data: bytes = b"", note: str = "") -> None:
        if self._tap is not None:
            self._tap(WireEvent(asyncio.get_running_loop().time(), self.place, what, data, note))
