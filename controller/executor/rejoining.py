"""Taking up a job again that a press still holds: the watch begins in the middle and claims nothing of what was before.

The machine's own dwell record counts for pressure and dwell. Temperatures are those seen since; what they were
in the gap is taken to lie within the step's window, and their extremes are not claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.executor.machine_states import ENDED_ITSELF, LOST_JOB
from controller.executor.run import Request
from controller.executor.supervision import Supervision
from controller.executor.windows import PressWatch
from drivers.errors import BadQuality
from drivers.reading import LinkChange, Snapshot
from recipes.model import Press


class JobEnded(Exception):
    """A job that was to be taken up again is not held any more. The run is held; its step has to be done again."""


@dataclass(slots=True)
class RejoinedWatch(PressWatch):
    """A watch over a pressing whose beginning another process saw.

    Pressure was built already, the bag was whole, the laminate has the temperature of what heats it.
    """

    is_begun: bool = False

    def __call__(self, snapshot: Snapshot) -> str | None:
        if not self.is_begun:
            self.laminate.value_c = sum(self.view.temperatures_c(snapshot)) / 2
            self.dwell_before_s = snapshot.value("dwell_elapsed_s")
            self.is_building = self._was_whole = self.is_begun = True
        return PressWatch.__call__(self, snapshot)  # a dataclass with slots knows no super() without arguments


@dataclass(slots=True)
class Rejoining(Supervision):
    """The supervision of a job that is found held. Raises JobEnded where the machine ends it while it is held."""

    def _judge(self, item: Snapshot | LinkChange | Request) -> Request | None:
        """The machine shows the alarm of its lost link until the restart has cleared it."""
        if isinstance(item, Snapshot) and self._is_told(item) and item.bits("alarm_bits") == ("link_lost",):
            return None
        return super(Rejoining, self)._judge(item)

    def _look(self, item: Snapshot | LinkChange) -> None:
        super(Rejoining, self)._look(item)
        if not isinstance(item, Snapshot):
            return
        try:
            state = item.text("machine_state")
        except BadQuality:
            return
        if state in ENDED_ITSELF | LOST_JOB:
            reason = f"{self.machine.unit} is {state}: it has ended the job before anybody decided to go on with it"
            self.run.tell("run.problem", {"reason": reason})
            raise JobEnded(reason)


def tare_kn(job: Mapping[str, float], press: Press, area_mm2: float) -> float:
    """The load cell's tare with which a job was made: its force is pressure times area, and the tare."""
    return job["force_sp_kn"] - press.pressure_mpa * area_mm2 / 1000 if "force_sp_kn" in job else 0.0
