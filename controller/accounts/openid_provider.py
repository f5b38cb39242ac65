"""A plant's OpenID provider, asked over HTTPS: where its pages are, its keys, and an id_token for a code."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from controller.accounts.errors import OpenIdRefused
from controller.accounts.listening import is_loopback
from controller.authority import Role

SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Algorithms with a key that only the provider has: never none, never HS*, whose key the client has too."""
ASKED_WITHIN_S = 10.0
LONGEST_ANSWER = 512 * 1024  # bytes; keys and tokens are some kilobytes
KNOWN_FOR_S = 3600.0
KEYS_AGAIN_AFTER_S = 60.0  # a token with an unknown key asks for the keys anew, but no more often


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """What the line's owner agreed with the provider. roles gives a role for a value of `claim`; `name` is a claim too.

    ca is a file with the certificate that vouches for the provider, where the computer does not know it.
    """

    issuer: str
    client_id: str
    redirect_url: str
    roles: Mapping[str, Role]
    claim: str = "groups"
    name: str = "preferred_username"
    client_secret: str | None = field(default=None, repr=False)
    ca: Path | None = None
    scopes: tuple[str, ...] = ("openid", "profile")


@dataclass(frozen=True, slots=True)
class Discovered:
    """Where a provider is asked what."""

    authorization: str
    token: str
    keys: str
    algorithms: tuple[str, ...]


class Provider:
    """Asks a provider; what it says of itself is remembered for an hour.

    Raises OpenIdRefused for an issuer that is not asked by https, and for a `ca` that vouches for nobody.
    """

    def __init__(self, settings: OpenIdSettings) -> None:
        import httpx  # now: the loop has no time for it at the first sign-in
        import jwt  # noqa: F401

        _safe(settings.issuer)
        self.settings = settings
        self._client = httpx.AsyncClient
        self._trusted = _trusted(settings)
        self._found: tuple[Discovered, float] | None = None
        self._keys: tuple[list[dict[str, Any]], float] | None = None

    async def discovered(self, now_s: float) -> Discovered:
        """Raises OpenIdRefused."""
        if self._found is None or now_s - self._found[1] > KNOWN_FOR_S:
            issuer = self.settings.issuer
            told = await self._asked("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if told.get("issuer") != issuer:
                raise OpenIdRefused(f"the provider calls itself another issuer than people.oidc.issuer {issuer}")
            able = told.get("id_token_signing_alg_values_supported", [])
            algorithms = tuple(name for name in SIGNED_BY if name in able)
            places = [told.get(key) for key in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
            if not algorithms or not all(isinstance(place, str) for place in places):
                raise OpenIdRefused(
                    "the provider does not say where it is asked, or signs with nothing that is trusted"
                )
            authorization, token, keys = (_safe(str(place)) for place in places)
            self._found = (Discovered(authorization, token, keys, algorithms), now_s)
        return self._found[0]

    async def key(self, key_id: str | None, now_s: float) -> dict[str, Any]:
        """The key that a token names; asked for anew where it is unknown. Raises OpenIdRefused."""
        for may_ask in (False, True):
            too_old = self._keys is None or now_s - self._keys[1] > (KEYS_AGAIN_AFTER_S if may_ask else KNOWN_FOR_S)
            if too_old:
                told = await self._asked("GET", (await self.discovered(now_s)).keys)
                listed = told.get("keys")
                usable = [key for key in listed if _is_public(key)] if isinstance(listed, list) else []
                self._keys = (usable, now_s)
            known = [] if self._keys is None else self._keys[0]
            named = known if key_id is None else [key for key in known if key.get("kid") == key_id]
            if len(named) == 1:
                return named[0]
        raise OpenIdRefused("the id_token is signed with a key that the provider does not have")

    async def redeem(self, code: str, verifier: str, now_s: float) -> str:
        """The id_token for a code that a browser brought. Raises OpenIdRefused."""
        settings = self.settings
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": settings.redirect_url}
        form |= {"client_id": settings.client_id, "code_verifier": verifier}
        if settings.client_secret is not None:
            form["client_secret"] = settings.client_secret
        told = await self._asked("POST", (await self.discovered(now_s)).token, form)
        if not isinstance(token := told.get("id_token"), str):
            raise OpenIdRefused("the provider gives no id_token")
        return token

    async def _asked(self, method: str, url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A JSON object, without following anybody elsewhere."""
        import httpx

        try:
            async with (
                asyncio.timeout(ASKED_WITHIN_S * float(getattr(asyncio.get_running_loop(), "speed", 1.0))),
                self._client(timeout=ASKED_WITHIN_S, verify=self._trusted, follow_redirects=False) as client,
                client.stream(method, _safe(url), data=form, headers={"Accept": "application/json"}) as answer,
            ):
                content = b""
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > LONGEST_ANSWER:
                        raise OpenIdRefused(f"{_host(url)} answers with more than {LONGEST_ANSWER} bytes")
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise OpenIdRefused(f"the provider {_host(url)} cannot be asked ({type(error).__name__})") from error
        if answer.status_code != httpx.codes.OK:
            raise OpenIdRefused(f"the provider {_host(url)} refuses with HTTP {answer.status_code}")
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise OpenIdRefused(f"the provider {_host(url)} answers with something that is no JSON object")
        return told


def _trusted(settings: OpenIdSettings) -> ssl.SSLContext:
    """Raises OpenIdRefused for a file that vouches for nobody."""
    try:
        return ssl.create_default_context(cafile=None if settings.ca is None else str(settings.ca))
    except (OSError, ssl.SSLError) as error:
        raise OpenIdRefused(f"{settings.ca}: holds no certificate that could vouch for the provider") from error


def _safe(url: str) -> str:
    """An address whose answers nobody on the way can change."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        return url
    raise OpenIdRefused(f"the provider is asked by https only, and {url[:100]} is not")


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _is_public(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
