"""The alarm server's end is seen by whoever feeds the service manager's watchdog."""

from __future__ import annotations

import asyncio

from controller.alarms.server import DEATHS, AlarmServer
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import EventStream
from controller.journal import Journal
from controller.session import Surroundings, line_connected, unattended
from controller.vitals.deaths import TaskDied
from controller.vitals.service_manager import ServiceManager
from controller.vitals.watch import SelfWatch
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.recipes_for_tests import EXAMPLE, planned


class Manager(ServiceManager):
    """A service manager that wants to be fed at every look."""

    def __init__(self) -> None:
        super().__init__("nowhere", 1.0)
        self.feeds = 0

    def tell(self, **fields: str) -> None:
        self.feeds += "WATCHDOG" in fields


def test_a_line_whose_alarm_server_died_for_good_is_not_fed_for() -> None:
    async def main() -> tuple[list[str], int, int]:
        loop = asyncio.get_running_loop()
        simulated = SimulatedLine("nominal", seed=1, clock=loop.time)
        journal = Journal(EventStream(), lambda: virtual_utc(loop.time()))
        servers: list[AlarmServer] = []
        person = SimulatedPerson(simulated)
        surroundings = Surroundings(memory_line(simulated), journal, person, unattended, watch_alarms=servers.append)
        manager = Manager()
        watch = SelfWatch(journal, surroundings.health, manager, clock=loop.time)
        before, faults = 0, []
        try:
            async with line_connected(surroundings, planned(EXAMPLE, None)):
                watch.tick(0.0, None)
                before = manager.feeds
                for _ in range(DEATHS + 2):  # the first one goes to the method that the task has looked up already
                    servers[0].inbox.put_nowait(object())  # type: ignore[arg-type]
                take = servers[0].take

                def fails(item: object) -> None:
                    if type(item) is object:
                        raise ValueError("a defect")
                    take(item)  # type: ignore[arg-type]

                servers[0].take = fails  # type: ignore[method-assign]
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(2.0)  # what the line needs to come to rest; nobody sees an alarm meanwhile
                    watch.tick(0.0, None)
                    faults = surroundings.health.faults
        except TaskDied:
            pass
        return faults, before, manager.feeds

    faults, before, after = run_virtual(main())
    assert faults == ["the alarm server died of a fault of the program: ValueError: a defect"]
    assert (before, after) == (1, 1)
