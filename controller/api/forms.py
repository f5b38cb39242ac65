"""What commands bring: the parts that several of them share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from controller.api.identity import May
from controller.api.problems import Problem
from controller.authority import Action, Actor
from controller.executor.commands import Expected
from controller.executor.states import RunState

API = "/api/v1"
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"
"""No line ends, nothing that a terminal obeys, and nothing that shows letters in another order than they stand."""
Text = Annotated[str, Field(max_length=1000, pattern=PRINTABLE)]
"""One line for people to read."""
Reason = Annotated[str, Field(max_length=1000, pattern=PRINTABLE, description="why, for whoever reads the record")]
NeededReason = Annotated[
    str,
    Field(
        max_length=1000,
        pattern=PRINTABLE.replace("*$", f"*[!-~\u00a1-\u2027\u2030-\uffff]{PRINTABLE[1:]}"),
        description="why, for whoever reads the record; not only blanks",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]
NamePath = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]

Utc = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time with its offset; a number or a day is none."""


def utc_time(text: str) -> datetime:
    """The time that a `Utc` says. Raises Problem where there is no such day or hour."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Problem("invalid", f"{text} is no time; expected one such as 2026-11-22T14:30:00Z") from None


Viewer = Annotated[Actor, Depends(May(Action.VIEW))]


class Form(BaseModel):
    """A command's body: what it does not know is a mistake of the sender, and is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ExpectedForm(Form):
    """The run as the sender had it in view; where it has moved on, the command is refused (409, `outdated`)."""

    state: Annotated[RunState, Field(strict=False)]
    version: Annotated[int, Field(ge=0, le=2**53)]

    def expected(self) -> Expected:
        return Expected(self.state, self.version)


class ReasonForm(Form):
    """A command that says why."""

    reason: Reason = ""


class NeededReasonForm(Form):
    """A command that has to say why."""

    reason: NeededReason
