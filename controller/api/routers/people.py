"""Coming in and going out; one's own sessions, password and tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from controller.accounts import Session, SessionInfo, TokenInfo
from controller.accounts.secret import csrf_of
from controller.api.answers import answers, read
from controller.api.forms import API, Form, Name, NamePath, Viewer
from controller.api.identity import address_of, cookie_name, proof_of, session_token, set_session
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.api.route import Route
from controller.authority import AUTHORITY, Role

router = APIRouter(tags=["people"], prefix=API, route_class=Route)
Password = Annotated[str, Field(min_length=1, max_length=1024)]
DENIED = answers(401, 403, 415, 422, 429)


class SignInForm(Form):
    """Name and password."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password


class WayInForm(Form):
    """A one-time way in, and the password that is to count from now on."""

    way_in: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password


class PasswordForm(Form):
    """One's own password, with the one of before."""

    old: Password
    new: Password


class TokenForm(Form):
    """A token for a program: never with more rights than its maker has."""

    name: Name
    role: Role = Field(strict=False)
    days: Annotated[int, Field(ge=1, le=400)]


class SessionBody(BaseModel):
    """Who is signed in. csrf goes into `X-CSRF-Token` of whatever changes something; only the sign-in tells it."""

    name: str
    role: Role
    means: str
    actions: list[str] = Field(description="what the role may do, of the table of rights")
    csrf: str | None = None
    ends_utc: str | None = None


class NewTokenBody(BaseModel):
    """A new token; it is told this once."""

    token: str
    info: TokenInfo


@router.post("/session", operation_id="sign_in", responses=DENIED)
async def sign_in(request: Request, response: Response, form: SignInForm) -> SessionBody:
    """Begins a session; its cookie comes with the answer. A wrong name and a wrong password are answered alike."""
    people = parts_of(request).people
    before = session_token(request)
    session = await people.sign_in(form.name, form.password, address_of(request), replacing=before)
    return _begun(request, response, session)


@router.post("/session/way-in", operation_id="use_way_in", responses=DENIED | answers(409))
async def use_way_in(request: Request, response: Response, form: WayInForm) -> SessionBody:
    """Sets the password of whom a one-time way in is for, and signs them in."""
    session = await parts_of(request).people.use_way_in(form.way_in, form.password, address_of(request))
    return _begun(request, response, session)


@router.get("/session", operation_id="show_session", responses=read())
async def show_session(request: Request, by: Viewer) -> SessionBody:
    """Who is signed in, and what they may do."""
    proof = proof_of(request)
    csrf = csrf_of(proof.token) if proof.is_session else None
    return SessionBody(name=by.name, role=by.role, means=by.means, actions=_actions(by.role), csrf=csrf)


@router.delete("/session", operation_id="sign_out", status_code=204, responses=answers(401, 403))
async def sign_out(request: Request, _: Viewer) -> Response:
    """Ends the session."""
    parts, proof = parts_of(request), proof_of(request)
    if proof.is_session:
        await parts.people.sign_out(proof.token, proof.address)
    gone = Response(status_code=204)
    gone.delete_cookie(cookie_name(tls=parts.tls), path="/", secure=parts.tls, httponly=True, samesite="strict")
    return gone


@router.post("/session/password", operation_id="change_password", responses=DENIED | answers(409))
async def change_password(request: Request, response: Response, form: PasswordForm, by: Viewer) -> SessionBody:
    """Changes one's own password; every session ends, and a new one begins."""
    if not proof_of(request).is_session:
        raise Problem("not-authorised", "a token changes no password; sign in")
    session = await parts_of(request).people.change_password(by, form.old, form.new, address_of(request))
    return _begun(request, response, session)


@router.get("/sessions", operation_id="list_sessions", responses=read())
async def list_sessions(request: Request, by: Viewer) -> list[SessionInfo]:
    """One's own sessions."""
    return await parts_of(request).people.sessions(by.name)


@router.delete(
    "/sessions/{session}", operation_id="end_session", status_code=204, responses=answers(401, 403, 404, 422)
)
async def end_session(request: Request, session: NamePath, by: Viewer) -> Response:
    """Ends one of one's own sessions, or anybody's by who manages users."""
    await parts_of(request).people.end_session(session, by=by, address=address_of(request))
    return Response(status_code=204)


@router.get("/tokens", operation_id="list_tokens", responses=read())
async def list_tokens(request: Request, by: Viewer) -> list[TokenInfo]:
    """One's own tokens."""
    return await parts_of(request).people.tokens.all(by.name)


@router.post("/tokens", operation_id="make_token", status_code=201, responses=answers(401, 403, 409, 415, 422))
async def make_token(request: Request, form: TokenForm, by: Viewer) -> NewTokenBody:
    """Makes a token for a program. It is shown this once; a repetition is refused, as its name is taken then."""
    people = parts_of(request).people
    made = await people.make_token(
        form.name, form.role.value, timedelta(days=form.days), by=by, address=address_of(request)
    )
    return NewTokenBody(token=made.token, info=made.info)


@router.delete("/tokens/{token}", operation_id="revoke_token", responses=answers(401, 403, 404, 409, 422))
async def revoke_token(request: Request, token: NamePath, by: Viewer) -> TokenInfo:
    """Ends a token at once."""
    return await parts_of(request).people.revoke(token, by=by, address=address_of(request))


def _begun(request: Request, response: Response, session: Session) -> SessionBody:
    by = session.actor
    set_session(request, response, session.token)
    actions = _actions(by.role)
    return SessionBody(
        name=by.name, role=by.role, means=by.means, actions=actions, csrf=session.csrf, ends_utc=session.ends
    )


def _actions(role: Role) -> list[str]:
    return sorted(action.name.lower() for action in AUTHORITY[role])
