"""Users, by who manages them. Keys are not needed: each of these is refused or does the same when it is repeated."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from controller.accounts import User
from controller.api.answers import answers
from controller.api.forms import API, Form, NamePath, Reason
from controller.api.identity import May, address_of
from controller.api.parts import parts_of
from controller.api.route import Route
from controller.authority import Action, Actor, Role

router = APIRouter(tags=["users"], prefix=f"{API}/users", route_class=Route)
Manages = Annotated[Actor, Depends(May(Action.USERS))]
CHANGES = answers(401, 403, 404, 409, 415, 422)


class UserForm(Form):
    """A new user, who comes in first by a one-time way in."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role = Field(strict=False)
    reason: Reason = ""


class ChangeForm(Form):
    """What is to be different with a user; what is left out stays."""

    role: Role | None = Field(default=None, strict=False)
    enabled: bool | None = None
    reason: Reason = ""


class WhyForm(Form):
    """Why."""

    reason: Reason = ""


class WayInBody(BaseModel):
    """A one-time way in, told this once: whoever has it sets the user's password."""

    user: str
    ends_utc: str
    way_in: str


@router.get("", operation_id="list_users", responses=answers(401, 403))
async def list_users(request: Request, _: Manages) -> list[User]:
    """Everybody, by name."""
    return await parts_of(request).people.users.all()


@router.post("", operation_id="add_user", status_code=201, responses=CHANGES)
async def add_user(request: Request, form: UserForm, by: Manages) -> User:
    """Adds a user, who has no password yet."""
    users = parts_of(request).people.users
    return await users.add(form.name, form.role.value, by=by, address=address_of(request), why=form.reason)


@router.get("/{user}", operation_id="show_user", responses=answers(401, 403, 404, 422))
async def show_user(request: Request, user: NamePath, _: Manages) -> User:
    """One user."""
    return await parts_of(request).people.users.get(user)


@router.patch("/{user}", operation_id="change_user", responses=CHANGES)
async def change_user(request: Request, user: NamePath, form: ChangeForm, by: Manages) -> User:
    """Gives another role, disables or enables; sessions and tokens that are too much then end at once."""
    users, address = parts_of(request).people.users, address_of(request)
    if form.role is not None:
        await users.set_role(user, form.role.value, by=by, address=address, why=form.reason)
    if form.enabled is not None:
        await users.set_enabled(user, enabled=form.enabled, by=by, address=address, why=form.reason)
    return await users.get(user)


@router.post("/{user}/way-in", operation_id="give_way_in", status_code=201, responses=CHANGES)
async def give_way_in(request: Request, user: NamePath, form: WhyForm, by: Manages) -> WayInBody:
    """A new one-time way in, instead of any before; it also unlocks the name."""
    users = parts_of(request).people.users
    made = await users.way_in(user, by=by, address=address_of(request), why=form.reason)
    return WayInBody(user=made.user, ends_utc=made.ends, way_in=made.token)


@router.post("/{user}/unlock", operation_id="unlock_user", responses=CHANGES)
async def unlock_user(request: Request, user: NamePath, form: WhyForm, by: Manages) -> User:
    """Failed tries count no more."""
    users = parts_of(request).people.users
    await users.unlock(user, by=by, address=address_of(request), why=form.reason)
    return await users.get(user)
