"""Sign-in by OpenID Connect, against a provider on loopback that signs for real, and lies where it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest

from controller.accounts import NotDone, OpenId, OpenIdRefused, OpenIdSettings, TokenInvalid, Unacceptable
from controller.accounts.clock import us_of
from controller.accounts.openid import role_of
from controller.authority import Actor, Role
from tests.accounts.office import AWAY, HOME, PASSWORD, SQLITE, TERMINAL, Office
from tests.accounts.provider import CLIENT, ELLIPTIC, OTHER_RSA, LoopbackProvider, provider, public

ROLES = {"line-1-engineers": Role.ENGINEER, "line-1-operators": Role.OPERATOR, "it": Role.ADMINISTRATOR}


@pytest.fixture
def plant() -> Iterator[LoopbackProvider]:
    with provider() as found:
        yield found


def settings(plant: LoopbackProvider) -> OpenIdSettings:
    return OpenIdSettings(plant.issuer, CLIENT, "https://line-1.example/api/v1/session/openid", ROLES)


@pytest.fixture
def openid(people: Office, plant: LoopbackProvider) -> OpenId:
    plant.now = us_of(people.wall()) // 1_000_000
    return people.accounts.by_openid(settings(plant))


async def come(openid: OpenId, plant: LoopbackProvider) -> Any:
    start = await openid.begin(HOME)
    code, state = plant.agrees(start.url)
    return await openid.finish(code, state, start.browser, HOME)


async def test_somebody_comes_in_by_the_plants_provider(
    people: Office, plant: LoopbackProvider, openid: OpenId
) -> None:
    session = await come(openid, plant)
    assert session.actor == Actor("ann", Role.ENGINEER, "openid")
    assert await people.accounts.session(session.token) == session.actor
    plant.changes = {"preferred_username": "renamed"}
    assert (await come(openid, plant)).actor.name == "ann"  # known by issuer and subject, not by what they are called
    assert plant.asked.count("/.well-known/openid-configuration") == plant.asked.count("/keys") == 1
    assert [told["kind"] for told in people.told()] == ["user.added", "session.begun", "session.begun"]


async def test_another_role_at_the_provider_counts_at_the_next_sign_in_and_ends_what_was(
    people: Office, plant: LoopbackProvider, openid: OpenId
) -> None:
    before = await come(openid, plant)
    plant.changes = {"groups": ["line-1-operators", "others"]}
    assert (await come(openid, plant)).actor.role is Role.OPERATOR
    with pytest.raises(TokenInvalid):
        await people.accounts.session(before.token)
    plant.changes = {"groups": ["others"]}
    with pytest.raises(OpenIdRefused, match="gives no role at this line"):
        await come(openid, plant)


async def test_a_local_user_is_not_taken_over_by_a_name(
    people: Office, plant: LoopbackProvider, openid: OpenId
) -> None:
    await people.person("ann", "administrator")
    with pytest.raises(NotDone, match="there is a user ann already"):
        await come(openid, plant)
    plant.changes = {"preferred_username": "a b\n"}
    with pytest.raises(Unacceptable):
        await come(openid, plant)
    assert await people.accounts.sessions() == []


async def test_who_is_disabled_here_stays_out(people: Office, plant: LoopbackProvider, openid: OpenId) -> None:
    await come(openid, plant)
    await people.accounts.users.set_enabled("ann", enabled=False, by=TERMINAL)
    with pytest.raises(OpenIdRefused, match="disabled"):
        await come(openid, plant)
    told = people.told("audit.refused")[-1]
    assert (told["new"], told["address"], told["told"]) == ("session.begun", HOME, "the user is disabled")


async def test_an_answer_counts_once_in_the_browser_that_began(
    people: Office, plant: LoopbackProvider, openid: OpenId
) -> None:
    start, other = await openid.begin(HOME), await openid.begin(AWAY)
    code, state = plant.agrees(start.url)
    for wrong_state, browser in ((state, other.browser), (state, ""), ("", start.browser), ("\ud800", start.browser)):
        with pytest.raises(OpenIdRefused, match="not begun in this browser"):
            await openid.finish(code, wrong_state, browser, HOME)
    with pytest.raises(OpenIdRefused, match="another provider"):
        await openid.finish(code, state, start.browser, HOME, issuer="https://evil.example")
    assert (await openid.finish(code, state, start.browser, HOME, issuer=plant.issuer)).actor.name == "ann"
    with pytest.raises(OpenIdRefused, match="not begun in this browser"):
        await openid.finish(code, state, start.browser, HOME)
    code, state = plant.agrees(other.url)
    people.wall.pass_(minutes=11)
    with pytest.raises(OpenIdRefused, match="took too long"):
        await openid.finish(code, state, other.browser, AWAY)
    shown = repr((start, settings(plant)))
    assert start.browser not in shown
    assert state not in shown


async def test_a_code_of_another_sign_in_is_worth_nothing(plant: LoopbackProvider, openid: OpenId) -> None:
    """PKCE: whoever catches a code has not the verifier."""
    mine, theirs = await openid.begin(HOME), await openid.begin(AWAY)
    _, state = plant.agrees(mine.url)
    code, _ = plant.agrees(theirs.url)
    with pytest.raises(OpenIdRefused, match="refuses with HTTP 400"):
        await openid.finish(code, state, mine.browser, HOME)


@SQLITE
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iss": "https://evil.example"}, "not trusted"),
        ({"aud": "another"}, "not trusted"),
        ({"aud": [CLIENT, "another"]}, "another program"),
        ({"azp": "another"}, "another program"),
        ({"nonce": "replayed"}, "another sign-in"),
        ({"nonce": 7}, "another sign-in"),
        ({"nonce": None}, "not trusted"),
        ({"sub": None}, "not trusted"),
        ({"sub": ""}, "no usable subject"),
        ({"exp": None}, "not trusted"),
        ({"exp": 1}, "is over"),
        ({"iat": 1}, "not made for this sign-in"),
        ({"iat": 4_000_000_000}, "not made for this sign-in"),
        ({"nbf": 4_000_000_000}, "not made for this sign-in"),
        ({"exp": True}, "a time that is none|not trusted"),
        ({"preferred_username": None}, "no claim preferred_username"),
        ({"groups": None}, "gives no role"),
        ({"groups": {"line-1-engineers": 1}}, "gives no role"),
        ({"groups": ["it", "line-1-engineers"]}, "no one person has: administrator, engineer"),
    ],
)
async def test_an_id_token_with_other_claims_is_refused(
    people: Office, plant: LoopbackProvider, openid: OpenId, changes: dict[str, Any], words: str
) -> None:
    plant.changes = changes
    with pytest.raises(OpenIdRefused, match=words):
        await come(openid, plant)
    assert await people.accounts.sessions() == []


@SQLITE
async def test_an_id_token_that_is_signed_otherwise_is_refused(plant: LoopbackProvider, openid: OpenId) -> None:
    plant.key = OTHER_RSA
    with pytest.raises(OpenIdRefused, match="InvalidSignatureError"):
        await come(openid, plant)
    for algorithm, key, key_id in (("HS256", "c" * 32, "shared"), ("none", None, "one"), ("HS256", "c" * 32, "one")):
        plant.raw = jwt.encode({"iss": plant.issuer}, key or "", algorithm, {"kid": key_id})
        with pytest.raises(OpenIdRefused, match="an algorithm that is not trusted"):
            await come(openid, plant)
    for raw in ("", "a.b", "a.b.c", "x" * 20_000, "eyJhbGciOiJSUzI1NiJ9.e30.", "\u00e9.\u00e9.\u00e9"):
        plant.raw = raw or "."
        with pytest.raises(OpenIdRefused, match=r"not trusted|algorithm|key that the provider"):
            await come(openid, plant)
    plant.raw, plant.algorithm, plant.key = None, "ES256", ELLIPTIC  # the name of a key of another kind
    with pytest.raises(OpenIdRefused, match="not trusted"):
        await come(openid, plant)


@SQLITE
async def test_a_new_key_of_the_provider_is_found_but_not_asked_for_at_every_forgery(
    people: Office, plant: LoopbackProvider, openid: OpenId, monkeypatch: pytest.MonkeyPatch
) -> None:
    await come(openid, plant)
    plant.keys.append(public(ELLIPTIC, "ES256", "two"))
    plant.algorithm, plant.key, plant.key_id = "ES256", ELLIPTIC, "two"
    for _ in range(3):
        with pytest.raises(OpenIdRefused, match="a key that the provider does not have"):
            await come(openid, plant)
    assert plant.asked.count("/keys") == 1
    monkeypatch.setattr("controller.accounts.openid_provider.KEYS_AGAIN_AFTER_S", 0.0)
    assert (await come(openid, plant)).actor.name == "ann"
    assert plant.asked.count("/keys") == 2


@SQLITE
@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("issuer", "https://evil.example", "another issuer"),
        ("token_endpoint", "http://192.0.2.1/token", "by https only"),
        ("jwks_uri", None, "does not say where"),
        ("id_token_signing_alg_values_supported", ["HS256", "none"], "signs with nothing that is trusted"),
    ],
)
async def test_a_provider_that_is_not_trusted_is_not_asked_further(
    people: Office, plant: LoopbackProvider, key: str, value: Any, words: str
) -> None:
    plant.metadata[key] = value
    with pytest.raises(OpenIdRefused, match=words):
        await people.accounts.by_openid(settings(plant)).begin(HOME)
    assert plant.asked == ["/.well-known/openid-configuration"]


@SQLITE
async def test_a_provider_that_cannot_be_asked_is_told(people: Office, plant: LoopbackProvider) -> None:
    plant.status = 503
    with pytest.raises(OpenIdRefused, match="refuses with HTTP 503"):
        await people.accounts.by_openid(settings(plant)).begin(HOME)
    for issuer, words in (("http://127.0.0.1:9", "cannot be asked"), ("http://192.0.2.1", "by https only")):
        with pytest.raises(OpenIdRefused, match=words):
            await people.accounts.by_openid(replace(settings(plant), issuer=issuer)).begin(HOME)


async def test_who_comes_by_the_provider_has_no_password_and_is_not_the_last_administrator(
    people: Office, plant: LoopbackProvider, openid: OpenId
) -> None:
    await people.person("eve", "administrator")
    plant.changes = {"groups": "it"}
    assert (await come(openid, plant)).actor.role is Role.ADMINISTRATOR
    with pytest.raises(Exception, match="name and password do not fit"):
        await people.accounts.sign_in("ann", PASSWORD, AWAY)
    with pytest.raises(NotDone, match="no enabled administrator with a password"):
        await people.accounts.users.set_enabled("eve", enabled=False, by=TERMINAL)


def test_of_several_roles_the_one_counts_that_may_all_of_the_others() -> None:
    assert role_of(["line-1-operators", "line-1-engineers", 7, None], ROLES) is Role.ENGINEER
    assert role_of("line-1-operators", ROLES) is Role.OPERATOR
