"""Who asks: a browser by its session's cookie, a program by its token; and whether the role may."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from fastapi.dependencies.models import Dependant
from starlette.requests import HTTPConnection
from starlette.responses import Response

from controller.accounts import Accounts, Act
from controller.api.origins import SAFE_METHODS
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.authority import Action, Actor, NotAuthorised, authorise

CSRF_HEADER = "X-CSRF-Token"
COOKIE, SECURE_COOKIE = "pressline_session", "__Host-pressline_session"
"""Under TLS the name's prefix makes browsers refuse the cookie from anywhere but this host, over TLS."""


def cookie_name(*, tls: bool) -> str:
    return SECURE_COOKIE if tls else COOKIE


def address_of(connection: HTTPConnection) -> str:
    """Where the request comes from, as the socket says; headers of a proxy are not believed."""
    return connection.client.host if connection.client is not None else ""


def session_token(connection: HTTPConnection) -> str | None:
    """The cookie's token."""
    return connection.cookies.get(cookie_name(tls=parts_of(connection).tls))


def set_session(connection: HTTPConnection, response: Response, token: str) -> None:
    """The session's cookie goes with the answer."""
    tls = parts_of(connection).tls
    response.set_cookie(cookie_name(tls=tls), token, path="/", secure=tls, httponly=True, samesite="strict")


def bearer(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header. Raises Problem for a header that holds none."""
    if (given := connection.headers.get("authorization")) is None:
        return None
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _nobody("the Authorization header holds no bearer token")
    return token.strip()


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody showed: a session's word, or a program's token."""

    is_session: bool
    token: str = field(repr=False)
    address: str

    async def actor(self, people: Accounts, *, touch: bool = True, action: Action | None = None) -> Actor:
        """Whose it is now, for an action. Raises what the accounts raise."""
        if self.is_session:
            return await people.session(self.token, touch=touch, action=action)
        return await people.bearer(self.token, self.address, action)


async def asker(connection: HTTPConnection, action: Action | None = None) -> Actor:
    """Who asks for an action. Raises Problem (not-signed-in, other-origin) and what the accounts raise.

    Looked up once a request.
    """
    known = connection.scope.setdefault("state", {})
    if (actor := known.get("actor")) is None:
        proof = _shown(connection)
        actor = await proof.actor(parts_of(connection).people, action=action)
        if proof.is_session:
            _refuse_foreign_page(connection, proof.token)
        known["actor"], known["proof"] = actor, proof
    return cast("Actor", actor)


def proof_of(connection: HTTPConnection) -> Proof:
    """What the one who asks showed; there after `asker`."""
    return cast("Proof", connection.scope["state"]["proof"])


def _shown(connection: HTTPConnection) -> Proof:
    if (token := bearer(connection)) is not None:
        return Proof(False, token, address_of(connection))
    if (token := session_token(connection)) is not None:
        return Proof(True, token, address_of(connection))
    raise _nobody("sign in, or send a token: Authorization: Bearer TOKEN")


def _refuse_foreign_page(connection: HTTPConnection, token: str) -> None:
    """A cookie comes with whatever a browser sends; the word that a page of ours read out does not."""
    if connection.scope["type"] == "websocket":
        if "origin" not in connection.headers:
            raise Problem("other-origin", "a session's cookie is good for pages only; a program sends a token")
    elif connection.scope["method"] not in SAFE_METHODS:
        parts_of(connection).people.check_csrf(token, connection.headers.get(CSRF_HEADER, ""))


def _nobody(detail: str) -> Problem:
    return Problem("not-signed-in", detail, headers={"WWW-Authenticate": 'Bearer realm="pressline"'})


class May:
    """A dependency: the actor, where the role may do this. The OpenAPI document shows the action of each endpoint."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, connection: HTTPConnection) -> Actor:
        actor = await asker(connection, self.action)
        try:
            authorise(actor.role, self.action)
        except NotAuthorised as error:
            about = "".join(letter if letter.isprintable() else "?" for letter in connection.scope["path"][:200])
            act = Act(f"api.{self.action.name.lower()}", actor, about, address_of(connection))
            parts_of(connection).people.audit.denied(act, error)
            raise
        return actor


def action_of(dependant: Dependant) -> Action | None:
    """Which right an endpoint asks for, by what it depends on; None where nobody has to be known."""
    for inner in dependant.dependencies:
        if isinstance(inner.call, May):
            return inner.call.action
        if (found := action_of(inner)) is not None:
            return found
    return None
