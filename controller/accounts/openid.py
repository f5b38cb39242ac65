"""Sign-in by a plant's OpenID provider: authorization code with PKCE, bound to the browser that began, used once.

Somebody is known by issuer and subject, which nobody else is given; the name is only what they are called here. A name
that is a user's already is not taken over.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, Row, delete, insert, select, update

from controller.accounts.audit import Act
from controller.accounts.desk import Changed, Desk
from controller.accounts.errors import AccountsError, NotDone, OpenIdRefused
from controller.accounts.model import Session
from controller.accounts.names import user_name
from controller.accounts.openid_provider import OpenIdSettings, Provider
from controller.accounts.proving import Proving
from controller.accounts.secret import new_secret, same, sha256
from controller.accounts.sessions import Sessions
from controller.accounts.tables import openid_starts, users
from controller.accounts.users import US, end_rights, insert_user
from controller.authority import AUTHORITY, Actor, Role

STARTS_COUNT_US = 600 * US  # ten minutes at the provider's page: a second factor takes its time
LEEWAY_S = 60  # between the provider's clock and ours
LONGEST = 16 * 1024


@dataclass(frozen=True, slots=True)
class OpenIdStart:
    """Where a browser is sent, and a word for a cookie by which it is known when it comes back."""

    url: str = field(repr=False)
    browser: str = field(repr=False)


class OpenId:
    """The sign-in with one provider."""

    def __init__(
        self,
        settings: OpenIdSettings,
        desk: Desk,
        sessions: Sessions,
        proving: Proving,
        forget: Callable[[str], None],
    ) -> None:
        self._provider, self._desk, self._sessions, self._proving = Provider(settings), desk, sessions, proving
        self._settings, self._forget = settings, forget

    async def begin(self, address: str) -> OpenIdStart:
        """Raises OpenIdRefused where the provider cannot be asked, LockedOut."""
        self._proving.throttle(address)
        found = await self._provider.discovered(self._desk.now_s())
        state, nonce, verifier, browser = (new_secret() for _ in range(4))
        now_us = self._desk.clock.now_us()
        row = {"state": sha256(state), "browser": sha256(browser), "nonce": sha256(nonce), "verifier": verifier}

        def work(connection: Connection) -> None:
            connection.execute(delete(openid_starts).where(openid_starts.c.ends_us <= now_us))
            connection.execute(insert(openid_starts).values(**row, ends_us=now_us + STARTS_COUNT_US))

        await self._desk.database.run(work)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_url,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in found.authorization else "?"
        return OpenIdStart(f"{found.authorization}{joint}{urlencode(asked)}", browser)

    async def finish(self, code: str, state: str, browser: str, address: str, issuer: str | None = None) -> Session:
        """A session for who comes back from the provider; issuer is what the answer says, if it does (RFC 9207).

        Raises OpenIdRefused, recorded; LockedOut.
        """
        self._proving.throttle(address)
        try:
            if issuer not in (None, self._settings.issuer):
                raise OpenIdRefused("the answer is from another provider")
            start = await self._taken(state, browser)
            now_s = self._desk.now_s()
            token = await self._provider.redeem(code[:LONGEST], start.verifier, now_s)
            claims = await self._verified(token, start.nonce, now_s)
            actor = await self._user(claims, address)
        except AccountsError as error:
            await self._desk.audit.refused(Act("session.begun", None, "", address, "by OpenID Connect"), error)
            raise
        return await self._sessions.begin(actor, address, None)

    async def _taken(self, state: str, browser: str) -> Row[Any]:
        """What was begun in this browser; it can be taken once."""
        now_us = self._desk.clock.now_us()

        def work(connection: Connection) -> Row[Any] | None:
            wanted = select(openid_starts).where(openid_starts.c.state == sha256(state)).with_for_update()
            row: Row[Any] | None = connection.execute(wanted).one_or_none()
            if row is None or row.ends_us <= now_us or not same(row.browser, sha256(browser)):
                return None
            connection.execute(delete(openid_starts).where(openid_starts.c.state == row.state))
            return row

        if (row := await self._desk.database.run(work)) is None:
            raise OpenIdRefused("this sign-in was not begun in this browser, took too long, or is over; begin again")
        return row

    async def _verified(self, token: str, nonce: str, now_s: float) -> Mapping[str, Any]:
        """The claims of an id_token that this provider signed for us, now, for this sign-in (OpenID Core 3.1.3.7)."""
        import jwt

        allowed = (await self._provider.discovered(now_s)).algorithms
        try:
            head = jwt.get_unverified_header(token[:LONGEST])
            if head.get("alg") not in allowed:
                raise OpenIdRefused("the id_token is signed by an algorithm that is not trusted")
            key = jwt.PyJWK(await self._provider.key(head.get("kid"), now_s), head["alg"]).key
            claims: dict[str, Any] = jwt.decode(
                token[:LONGEST],
                key,
                algorithms=[head["alg"]],
                audience=self._settings.client_id,
                issuer=self._settings.issuer,
                options={  # the times are looked at below, by the clock of the accounts
                    "require": ["iss", "sub", "aud", "exp", "iat", "nonce"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
            raise OpenIdRefused(f"the id_token is not trusted ({type(error).__name__})") from error
        self._check_claims(claims, nonce, self._desk.clock.now_us() // US)
        return claims

    def _check_claims(self, claims: Mapping[str, Any], nonce: str, now: int) -> None:
        times = [claims["exp"], claims["iat"], claims.get("nbf", 0)]
        if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in times):
            raise OpenIdRefused("the id_token has a time that is none")
        if now >= claims["exp"] + LEEWAY_S:
            raise OpenIdRefused("the id_token is over; is a clock wrong?")
        if max(times[1:]) > now + LEEWAY_S or claims["iat"] < now - STARTS_COUNT_US // US - LEEWAY_S:
            raise OpenIdRefused("the id_token was not made for this sign-in; is a clock wrong?")
        if not isinstance(claims["nonce"], str) or not same(sha256(claims["nonce"]), nonce):
            raise OpenIdRefused("the id_token was made for another sign-in")
        others = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if (len(others) > 1 or "azp" in claims) and claims.get("azp") != self._settings.client_id:
            raise OpenIdRefused("the id_token was made for another program")

    async def _user(self, claims: Mapping[str, Any], address: str) -> Actor:
        """The user of an issuer and subject, made at the first time, with the role that the claim gives now."""
        subject = f"{self._settings.issuer} {claims['sub']}"
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255 or not claims["sub"].isascii():
            raise OpenIdRefused("the id_token has no usable subject")
        role = role_of(claims.get(self._settings.claim), self._settings.roles)
        wanted = select(users).where(users.c.openid == subject)
        row = await self._desk.database.run(lambda connection: connection.execute(wanted).one_or_none())
        if row is None:
            return await self._added(claims, subject, role, address)
        if not row.enabled:
            raise OpenIdRefused("the user is disabled")
        actor = Actor(row.name, role, "openid")
        if row.role != role.value:
            await self._changed_role(actor, Role(row.role), address)
        return actor

    async def _added(self, claims: Mapping[str, Any], subject: str, role: Role, address: str) -> Actor:
        called = claims.get(self._settings.name)
        if not isinstance(called, str):
            raise OpenIdRefused(f"the id_token has no claim {self._settings.name} to call somebody by")
        actor = Actor(user_name(called), role, "openid")
        act = Act("user.added", actor, actor.name, address, "first sign-in by OpenID Connect")
        new = {"role": role.value, "openid": subject}
        await self._desk.change(act, lambda c, now: Changed(insert_user(c, actor.name, role, now, subject), None, new))
        return actor

    async def _changed_role(self, actor: Actor, before: Role, address: str) -> None:
        def work(connection: Connection, now_us: int) -> Changed[None]:
            mine = (users.c.name == actor.name) & (users.c.role == before.value)
            if connection.execute(update(users).where(mine).values(role=actor.role.value)).rowcount != 1:
                raise NotDone("the user was changed meanwhile")
            end_rights(connection, actor.name, now_us, AUTHORITY[actor.role])
            return Changed(None, {"role": before.value}, {"role": actor.role.value})

        act = Act("user.role", actor, actor.name, address, "the claim gives another role")
        await self._desk.change(act, work, lambda: self._forget(actor.name))


def role_of(claim: object, roles: Mapping[str, Role]) -> Role:
    """The role that the values of a claim give: of several the one that may all that the others may.

    Raises OpenIdRefused where none is given, or two of which neither may all of the other.
    """
    values = claim if isinstance(claim, list) else [claim]
    given = {roles[value] for value in values if isinstance(value, str) and value in roles}
    if not given:
        raise OpenIdRefused("the provider gives no role at this line; its owner says who gets one")
    most = max(given, key=lambda role: len(AUTHORITY[role]))
    if not all(AUTHORITY[role] <= AUTHORITY[most] for role in given):
        raise OpenIdRefused(f"the provider gives roles that no one person has: {', '.join(sorted(given))}")
    return most
