"""What is asked of people, and their answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from controller.api.answers import command, read
from controller.api.forms import API, ExpectedForm, Form, Name, NamePath, Reason, Viewer
from controller.api.idempotency.route import CommandRoute
from controller.api.identity import May
from controller.api.parts import parts_of
from controller.api.route import Route
from controller.authority import Action, Actor
from controller.service.orders import Given
from controller.service.views import PromptView

router = APIRouter(tags=["prompts"], prefix=f"{API}/prompts", route_class=Route)
commands = APIRouter(tags=["prompts"], prefix=f"{API}/prompts", route_class=CommandRoute)
Number = Annotated[float, Field(allow_inf_nan=False)]


class AnswerForm(Form):
    """What somebody did, measured or decided. `lots` are those in hand, as the prompt names them."""

    lots: Annotated[list[Name], Field(max_length=100)] = Field(default=[])
    values: Annotated[dict[Name, Number], Field(max_length=200)] = Field(
        default={}, description="in the units of the entries"
    )
    uncertainties: Annotated[dict[Name, Annotated[Number, Field(ge=0)]], Field(max_length=200)] = Field(
        default={}, description="standard uncertainties of the values, where they are known"
    )
    choice: Name | None = Field(default=None, description="one of the prompt's choices")
    why: Reason = ""
    impossible: Reason = Field(default="", description="why the task cannot be done; its run is then held")
    expected: ExpectedForm | None = Field(default=None, description="the run as it was in view")


@router.get("", operation_id="list_prompts", responses=read())
async def list_prompts(request: Request, _: Viewer) -> list[PromptView]:
    """Everything that is asked now; the longest waiting first."""
    return list(parts_of(request).line.prompts())


@commands.post("/{prompt}/answer", operation_id="answer_prompt", status_code=204, responses=command(404))
async def answer_prompt(
    request: Request, prompt: NamePath, form: AnswerForm, by: Annotated[Actor, Depends(May(Action.ANSWER))]
) -> Response:
    """Answers a prompt: values and lots are checked as at the terminal, and refused with findings (422)."""
    given = Given(tuple(form.lots), form.values, form.uncertainties, form.choice, form.why, form.impossible)
    expected = None if form.expected is None else form.expected.expected()
    await parts_of(request).line.answer(prompt, given, by=by, expected=expected)
    return Response(status_code=204)
