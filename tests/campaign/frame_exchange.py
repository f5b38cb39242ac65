"""One damaged answer: what our side made of it, and whether a sound exchange succeeds afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Any

from drivers.errors import DeviceRefused, DriverError, InstrumentBusy, OutcomeUnknown, OutOfRange
from tests.campaign.frame_damages import Delivery, Plan, plan
from tests.campaign.frame_oracle import Answered
from tests.campaign.frame_target import Result, Target
from tests.campaign.frame_wire import ScriptedWire
from tests.campaign.frames import RequestFault

_REFUSALS = (DeviceRefused, InstrumentBusy, OutOfRange)
_QUIET_TIMES = 25
"""Quiet times that an exchange may take besides its answer's time: 20 until a line is given up, some to spare."""

_MOST_READS = 2  # a read that may have got another's answer for the second time is asked once more


class Trial:
    """Run once. `faults` is what must not be; `outcome` and `damage` are words to count."""

    def __init__(self, target: Target, wire: ScriptedWire, rng: Random) -> None:
        self.faults: list[str] = []
        self.outcome = ""
        self.damage = ""
        self._target = target
        self._wire = wire
        self._rng = rng
        self._plan = Plan("", ())

    async def begin(self) -> None:
        """A sound exchange on a new connection: on one that has carried none an echo is not yet told from an answer."""
        await self._target.transport.open()
        await self._sound(self._target.question(self._rng), must=True)

    async def run(self) -> None:
        target, wire, loop = self._target, self._wire, asyncio.get_running_loop()
        question = target.question(self._rng)

        def damaged(frame: bytes) -> Iterable[Delivery]:
            self._plan = plan(self._rng, target.scene(question, frame))
            return self._plan.deliveries

        wire.machine = damaged
        sent, began = len(wire.sent), loop.time()
        result = await self._asked(question)
        if self.faults:
            return
        self.damage = self._plan.name
        asked = wire.sent[sent:]
        if len(asked) != 1 and (len(asked) != _MOST_READS or target.is_write(question) or asked[0] != asked[1]):
            self._fault(question, f"{len(asked)} requests went out")
        if loop.time() - began > len(asked) * (target.timeout_s + _QUIET_TIMES * target.quiet_s):
            self._fault(question, f"it took {loop.time() - began:.2f} s")
        answered = target.allowed(wire.heard)
        self._judge(question, result, answered)
        await self._come_back(question, began, failed=answered is None and isinstance(result, DriverError))

    async def _asked(self, question: Any) -> Result | DriverError:
        try:
            return await self._target.ask(question)
        except DriverError as error:
            return error
        except Exception as error:  # noqa: BLE001  whatever else it is, it is what is looked for
            self._fault(question, f"raised {type(error).__name__}: {error}")
            return None

    def _fault(self, question: Any, text: str) -> None:
        self.outcome = "FAILED"
        parts = ", ".join(f"{delay:.4f} s {data.hex(' ')}" for delay, data in self._plan.deliveries)
        request = self._wire.sent[-1].hex(" ") if self._wire.sent else "nothing"
        self.faults.append(f"{text}; {question}; sent {request}; {self._plan.name}: {parts[:1500]}")

    def _judge(self, question: Any, result: Result | DriverError, allowed: Answered | None) -> None:
        if isinstance(result, _REFUSALS):
            self.outcome = "refused"
            if allowed is None or allowed.what != "refused":
                self._fault(question, f"{type(result).__name__}({result}) that no valid answer says")
            elif isinstance(result, DeviceRefused) and allowed.code not in (0, result.code):
                self._fault(question, f"refused with code {result.code}, the answer says {allowed.code}")
        elif isinstance(result, DriverError):
            self._judge_error(question, result)
        elif allowed is None or allowed.what == "refused":
            self._fault(question, f"returned {str(result)[:200]} that no valid answer says")
        elif (allowed.values or None) != result:
            self._fault(question, f"returned {str(result)[:200]}, the answer says {str(allowed.values)[:200]}")
        else:
            self.outcome = "right" if result == self._target.truth() else "undetectable"

    def _judge_error(self, question: Any, error: DriverError) -> None:
        self.outcome = type(error).__name__
        write = self._target.is_write(question)
        if self._plan.whole:
            self._fault(question, f"a sound answer in time became {type(error).__name__}: {error}")
        elif write and not isinstance(error, OutcomeUnknown):
            self._fault(question, f"a write that was sent became {type(error).__name__}: {error}")
        elif not write and isinstance(error, OutcomeUnknown):
            self._fault(question, f"a read became {error}")

    async def _come_back(self, question: Any, began: float, *, failed: bool) -> None:
        """A sound exchange must give its own values: at once after a failure, else after the rest of the answer."""
        loop, damage = asyncio.get_running_loop(), self._plan
        over = began + damage.last_s
        if failed and damage.paused:  # may meet the rest and fail; must not take it for its own
            await self._sound(question, must=False)
        if not failed or damage.paused:
            await asyncio.sleep(max(0.0, over + 2 * self._target.quiet_s - loop.time()))
        await self._sound(question, must=True)

    async def _sound(self, before: Any, *, must: bool) -> None:
        target = self._target
        question = target.like(self._rng, before)
        answer_s = 0.2 * target.timeout_s * self._rng.random()

        def sound(frame: bytes) -> Iterable[Delivery]:
            return ((answer_s, target.scene(question, frame).sound),)

        self._wire.machine = sound
        try:
            if not target.transport.is_open:
                await target.transport.open()
            values = await target.ask(question)
        except DriverError as error:
            if must:
                self._fault(question, f"after it: {type(error).__name__}: {error}")
        except RequestFault as error:
            self._fault(question, f"after it: {error}")
        else:
            if values != target.truth():
                self._fault(question, f"after it: {str(values)[:200]} instead of {str(target.truth())[:200]}")
