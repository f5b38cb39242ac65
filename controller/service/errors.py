"""Why the service does not do what somebody asks.

    ServiceError
      Unknown     there is no such run, unit, prompt, alarm or lot      (404)
      Conflict    not as things stand; look, then ask again             (409)
      Invalid     what was given cannot be meant; findings say where    (422)
      Unready     the service cannot do it now; the same may do later   (503)

What a role may not do raises NotAuthorised (controller/authority.py, 403). Nothing was done where one of them is
raised, but for what lowers risk: that goes to the machine first, and is told even if the disk refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.executor.commands import Expected


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with what was given: `where` names the field, "" for all of it."""

    where: str
    message: str


class ServiceError(Exception):
    """The service does not do what was asked; the message is for a person."""


class Unknown(ServiceError):
    """There is nothing of this name. Not retryable."""


class Conflict(ServiceError):
    """Not as things stand. Retry after a look at them.

    now is where the run is, for whoever expected another state or version; None where that is not the reason.
    """

    def __init__(self, message: str, now: Expected | None = None) -> None:
        super().__init__(message)
        self.now = now


class Invalid(ServiceError):
    """What was given cannot be meant, by its findings. Retry with something else."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{finding.where}: {finding.message}" for finding in findings))
        self.findings = tuple(findings)


class Unready(ServiceError):
    """The service cannot do it now: it is ending, or its journal takes no records. A retry later makes sense."""
