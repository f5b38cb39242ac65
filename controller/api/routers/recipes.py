"""Recipes: examined as text, stored in versions, compared, approved. What is approved is a plan, by its hash."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from controller.accounts import SignatureRequest, ToBeSigned
from controller.api.answers import command, read
from controller.api.bodies.recipes import (
    AddedBody,
    DifferenceBody,
    ExaminedBody,
    VersionBody,
    VersionTextBody,
    version_body,
    version_data,
)
from controller.api.forms import API, Form, NamePath, NeededReason, NeededReasonForm, Reason, Viewer
from controller.api.idempotency.route import CommandRoute, LoweringRoute
from controller.api.identity import May, address_of
from controller.api.parts import RecipeDesk, parts_of
from controller.api.planning import Text, compared, examined, planned
from controller.api.problems import located
from controller.api.route import Question, Route
from controller.authority import Action, Actor
from controller.journal import canonical
from controller.store.files import RecipeFiles, staged
from controller.store.recipes import Added, files_of, loosened_by, plan_of, read_shelf
from controller.store.shelf import Shelf, Version
from controller.store.words import Reference, reference

router = APIRouter(tags=["recipes"], prefix=f"{API}/recipes", route_class=Route)
examining = APIRouter(tags=["recipes"], prefix=f"{API}/drafts", route_class=Question)
commands = APIRouter(tags=["recipes"], prefix=f"{API}/recipes", route_class=CommandRoute)
lowering = APIRouter(tags=["recipes"], prefix=f"{API}/recipes", route_class=LoweringRoute)
Number = Annotated[int, Field(ge=1, le=2**31)]
LONGEST = 300  # what a signature's object has; its hash is over everything


PackPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._/-]{0,199}$")]


class TextForm(Form):
    """A recipe file as text, with the rule packs that it brings by their paths beside it."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$", description="its name, for findings")]
    text: Annotated[str, Field(max_length=1_000_000)]
    packs: Annotated[dict[PackPath, str], Field(max_length=20)] = Field(default={})

    def as_text(self) -> Text:
        return Text(self.file, self.text, self.packs)


class AddForm(TextForm):
    """A text that becomes the next version of its recipe."""

    comment: Reason = ""


class ApprovalForm(Form):
    """What an approval means to whoever reads it."""

    meaning: NeededReason


class ApproveForm(ApprovalForm):
    """The approval itself: with the meaning that was signed, and the request that a second person has signed."""

    signature: Annotated[str, Field(min_length=1, max_length=64, description="the id of the signed request")]


class DiffForm(Form):
    """Two recipes: each a stored version (NAME or NAME@VERSION), or a text."""

    first: TextForm | str
    second: TextForm | str


@examining.post("/validate", operation_id="validate_recipe", responses=read(415))
async def validate_recipe(request: Request, form: TextForm, _: Viewer) -> ExaminedBody:
    """Reads a text and judges it on this line; nothing is stored. Findings have file, line and column."""
    found = await _examined(request, form)
    return found.model_copy(update={"plan": None})


@examining.post("/plan", operation_id="plan_recipe", responses=read(415))
async def plan_recipe(request: Request, form: TextForm, _: Viewer) -> ExaminedBody:
    """The same with the whole plan: every setpoint and window exact."""
    return await _examined(request, form)


async def _examined(request: Request, form: TextForm) -> ExaminedBody:
    parts = parts_of(request)
    found = await parts.workers.compute(examined, form.as_text(), tuple(parts.recipes.capabilities))
    return ExaminedBody(is_recipe=found.is_recipe, findings=list(found.findings), hash=found.hash, plan=found.plan)


@examining.post("/diff", operation_id="diff_recipes", responses=read(404, 415))
async def diff_recipes(request: Request, form: DiffForm, _: Viewer) -> list[DifferenceBody]:
    """What differs between two recipes in what is made, in words and units, with both places."""
    parts = parts_of(request)

    def text_of(given: TextForm | str) -> Text:
        if isinstance(given, TextForm):
            return given.as_text()
        version = read_shelf(parts.recipes.place).version(reference(given))
        return _stored_text(parts.recipes, version)

    first = await parts.workers.wait_for(text_of, form.first)
    second = await parts.workers.wait_for(text_of, form.second)
    found = await parts.workers.compute(compared, first, second)
    return [DifferenceBody.model_validate(item) for item in found]


def _stored_text(desk: RecipeDesk, version: Version) -> Text:
    files = files_of(desk.place, version)
    packs = {path: content.decode() for path, content in files.packs.items()}
    return Text(f"{version}.yaml", files.text.decode(), packs)


# ---------------------------------------------------------------------- stored versions


@router.get("", operation_id="list_recipes", responses=read())
async def list_recipes(request: Request, _: Viewer) -> list[VersionBody]:
    """The newest version of every stored recipe."""
    shelf = await _shelf(request)
    return [version_body(versions[-1]) for versions in shelf.recipes.values()]


@router.get("/{name}", operation_id="list_versions", responses=read(404))
async def list_versions(request: Request, name: NamePath, _: Viewer) -> list[VersionBody]:
    """All versions of a recipe, oldest first, with comments and approvals."""
    return [version_body(version) for version in (await _shelf(request)).versions(name)]


@router.get("/{name}/versions/{version}", operation_id="show_version", responses=read(404))
async def show_version(request: Request, name: NamePath, version: Number, _: Viewer) -> VersionTextBody:
    """One version with its text and its rule packs."""
    parts = parts_of(request)
    found = (await _shelf(request)).version(Reference(name, version))
    text = await parts.workers.wait_for(_stored_text, parts.recipes, found)
    told = version_data(found) | {"content": text.text, "pack_contents": dict(text.packs)}
    return VersionTextBody.model_validate(told)


@router.get("/{name}/versions/{version}/plan", operation_id="show_plan", responses=read(404))
async def show_plan(request: Request, name: NamePath, version: Number, _: Viewer) -> ExaminedBody:
    """The plan of a stored version on this line as it is now; findings (422) where it has none."""
    desk = parts_of(request).recipes
    of = (await _shelf(request)).version(Reference(name, version))
    plan = await parts_of(request).workers.wait_for(plan_of, desk.place, of, desk.capabilities)
    found = planned(plan)
    return ExaminedBody(is_recipe=True, findings=list(found.findings), hash=found.hash, plan=found.plan)


@commands.post("", operation_id="add_version", status_code=201, responses=command())
async def add_version(
    request: Request, response: Response, form: AddForm, by: Annotated[Actor, Depends(May(Action.RECIPE))]
) -> AddedBody:
    """Stores a text as the next version of its recipe; the same bytes as the newest version add nothing."""
    parts = parts_of(request)
    desk = parts.recipes

    def add() -> Added:
        text = form.as_text()
        files: RecipeFiles = text.files()
        with staged(files, Path(form.file)) as copy:
            return desk.store.add(copy, by.name, form.comment, desk.line, desk.capabilities)

    added = await parts.workers.wait_for(add)
    version = added.version
    response.headers["Location"] = f"/api/v1/recipes/{version.recipe}/versions/{version.number}"
    told = version_data(version) | {"added": added.new, "refusal": located(added.refusal)}
    return AddedBody.model_validate(told)


class CommentForm(Form):
    """What somebody says of a version."""

    text: Annotated[Reason, Field(min_length=1)]


@commands.post("/{name}/versions/{version}/comments", operation_id="comment_version", responses=command(404))
async def comment_version(
    request: Request,
    name: NamePath,
    version: Number,
    form: CommentForm,
    by: Annotated[Actor, Depends(May(Action.RECIPE))],
) -> VersionBody:
    """Adds a comment."""
    parts = parts_of(request)
    store = parts.recipes.store
    return version_body(await parts.workers.wait_for(store.comment, Reference(name, version), form.text, by.name))


@commands.post(
    "/{name}/versions/{version}/approval-requests",
    operation_id="ask_for_approval",
    status_code=201,
    responses=command(404),
)
async def ask_for_approval(
    request: Request,
    name: NamePath,
    version: Number,
    form: ApprovalForm,
    by: Annotated[Actor, Depends(May(Action.APPROVE))],
) -> SignatureRequest:
    """Asks for the second signature under the plan of a version on this line; another engineer gives it."""
    parts = parts_of(request)
    what = await _to_be_signed(request, Reference(name, version), form.meaning)
    return await parts.people.signatures.ask(what, form.meaning, by=by, address=address_of(request))


@commands.post("/{name}/versions/{version}/approve", operation_id="approve_version", responses=command(404))
async def approve_version(
    request: Request,
    name: NamePath,
    version: Number,
    form: ApproveForm,
    by: Annotated[Actor, Depends(May(Action.APPROVE))],
) -> VersionBody:
    """Approves the plan of a version on this line, as two people have signed: both approvals are in the store."""
    parts = parts_of(request)
    desk, of = parts.recipes, Reference(name, version)
    what = await _to_be_signed(request, of, form.meaning)
    signed = await parts.people.signatures.use(form.signature, what, by=by, address=address_of(request))

    def approve(who: str) -> Version:
        return desk.store.approve(of, who, form.meaning, desk.line, desk.capabilities, four_eyes=False)[0]

    first, second = signed
    await parts.workers.wait_for(approve, first.who)
    return version_body(await parts.workers.wait_for(approve, second.who))


async def _to_be_signed(request: Request, of: Reference, meaning: str) -> ToBeSigned:
    """A version's plan on this line by its hash; where it loosens rules, that stands in what is signed."""
    parts = parts_of(request)
    shelf = await _shelf(request)
    version = shelf.version(of)

    def found() -> tuple[str, tuple[str, ...]]:
        plan = plan_of(parts.recipes.place, version, parts.recipes.capabilities)
        return plan.hash, loosened_by(parts.recipes.place, shelf, version, plan)

    plan_hash, lets_go = await parts.workers.wait_for(found)
    if not lets_go:
        return ToBeSigned(Action.APPROVE, str(version), plan_hash, meaning)
    exact = sha256(canonical({"plan": plan_hash, "loosens": list(lets_go)}).encode()).hexdigest()
    words = f"{version}, which loosens its rules: {'; '.join(lets_go)}"
    return ToBeSigned(Action.APPROVE, words if len(words) <= LONGEST else f"{words[: LONGEST - 3]}...", exact, meaning)


@lowering.post("/{name}/versions/{version}/withdraw", operation_id="withdraw_approval", responses=command(404))
async def withdraw_approval(
    request: Request,
    name: NamePath,
    version: Number,
    form: NeededReasonForm,
    by: Annotated[Actor, Depends(May(Action.APPROVE))],
) -> VersionBody:
    """Ends the validity of a version's approvals."""
    parts = parts_of(request)
    store = parts.recipes.store
    return version_body(await parts.workers.wait_for(store.withdraw, Reference(name, version), by.name, form.reason))


async def _shelf(request: Request) -> Shelf:
    parts = parts_of(request)
    return await parts.workers.wait_for(read_shelf, parts.recipes.place)
