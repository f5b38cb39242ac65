"""[people.oidc] of the line file as the accounts get it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.authority import Role
from controller.service_config import OidcConfig
from controller.serving.people import OpenIdUnusable, openid_settings

CONFIG = OidcConfig(
    "https://login.plant.example",
    "line-1",
    "https://line-1.plant.example/api/v1/session/openid",
    roles=(("line-1-operators", "operator"), ("line-1-engineers", "engineer")),
)


def test_the_settings_are_those_of_the_file_and_the_secret_is_shown_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush-hush\n")
    secret.chmod(0o600)
    found = openid_settings(replace(CONFIG, client_secret_file=secret, scopes=("groups", "openid"), name="email"))
    assert found.client_secret == "hush-hush"  # noqa: S105
    assert "hush" not in repr(found)
    assert (found.scopes, found.name, found.claim) == (("openid", "groups"), "email", "groups")
    assert found.roles == {"line-1-operators": Role.OPERATOR, "line-1-engineers": Role.ENGINEER}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"redirect_url": "https://line-1.plant.example/"}, "people.oidc.redirect_url is .* back to /api/v1/session"),
        ({"roles": ()}, "people.oidc.roles is empty"),
    ],
)
def test_what_would_let_nobody_in_is_refused_at_the_start(changes: dict[str, object], words: str) -> None:
    with pytest.raises(OpenIdUnusable, match=words):
        openid_settings(replace(CONFIG, **changes))  # type: ignore[arg-type]  # of several kinds
