"""What people and rights are made of. Secrets stand in no text that these are printed as."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from controller.authority import Action, Actor, Role


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what opens a door counts.

    idle and absolute are a browser's session without a request and in all: a break and a shift (SP 800-63B section 4.2
    names 30 minutes and 12 hours). token_at_most is the longest that a program's token may count, way_in a one-time
    way in, request an open request for a second signature, place how long somebody's sign-in from an address counts
    for that address (all engineering judgement).
    """

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)
    token_at_most: timedelta = timedelta(days=400)
    way_in: timedelta = timedelta(hours=1)
    request: timedelta = timedelta(hours=8)
    place: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class User:
    """A person. has_password is False before the first way in and for who comes by OpenID Connect only."""

    name: str
    role: Role
    enabled: bool
    has_password: bool
    openid: bool
    made: str
    password_set: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session as it was begun; token goes into its cookie, csrf into what its pages send beside it."""

    actor: Actor
    begun: str
    ends: str
    token: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session that counts, for lists. id are the first figures of its hash.

    It is over at idle_until unless it is used before, and at ends at the latest.
    """

    id: str
    user: str
    means: str
    address: str
    begun: str
    used: str
    idle_until: str
    ends: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """A program's token, told once."""

    info: TokenInfo
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A program's token, for lists. used is None where it never was; counts: not over, revoked, or its user's end."""

    id: str
    name: str
    user: str
    role: Role
    made: str
    ends: str
    revoked: str | None
    used: str | None
    used_from: str | None
    counts: bool


@dataclass(frozen=True, slots=True)
class WayIn:
    """A one-time way in: with it `user` sets a password, once, until `ends`."""

    user: str
    ends: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed what, when, and meaning what. sha256 is of exactly what was signed; request where two had to."""

    who: str
    role: Role
    means: str
    utc: str
    action: Action
    object: str
    sha256: str
    meaning: str
    request: str | None = None


@dataclass(frozen=True, slots=True)
class ToBeSigned:
    """What is signed: a name for people, the SHA-256 of it exactly (64 hexadecimal digits), what signing it means."""

    action: Action
    object: str
    sha256: str
    meaning: str


@dataclass(frozen=True, slots=True)
class SignatureRequest:
    """A request for a second signature. state: open, signed, used, withdrawn or over."""

    id: str
    what: ToBeSigned
    reason: str
    first: str
    first_role: Role
    asked: str
    ends: str
    state: str
    second: str | None
    signed: str | None
