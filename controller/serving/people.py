"""How people come in by the plant's own sign-in, from [people.oidc] of the line file."""

from __future__ import annotations

from urllib.parse import urlsplit

from controller.accounts import OpenIdSettings
from controller.api.routers.openid import OPENID
from controller.authority import Role
from controller.service_config import OidcConfig


class OpenIdUnusable(Exception):
    """[people.oidc] cannot be used as it is. Retryable when the line file is mended; the message names the key."""


def openid_settings(config: OidcConfig) -> OpenIdSettings:
    """What the accounts are told; the client's secret is read now. Raises SecretUnusable, OpenIdUnusable."""
    if urlsplit(config.redirect_url).path != OPENID:
        what = f"people.oidc.redirect_url is {config.redirect_url}; the provider has to send browsers back to {OPENID}"
        raise OpenIdUnusable(f"{what}, such as https://line-1.example{OPENID}")
    if not config.roles:
        raise OpenIdUnusable("people.oidc.roles is empty; name which value of the claim gives which role")
    return OpenIdSettings(
        config.issuer,
        config.client_id,
        config.redirect_url,
        {value: Role(role) for value, role in config.roles},
        claim=config.claim,
        name=config.name,
        client_secret=None if config.client_secret is None else config.client_secret.read(),
        ca=config.ca,
        scopes=tuple(dict.fromkeys(("openid", *config.scopes))),
    )
