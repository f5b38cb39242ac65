"""Signatures: with the password given anew, under exactly what was seen, by two different people, used once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.accounts import Act, LockedOut, Signature, SignatureRefused, SignInRefused, ToBeSigned, Unacceptable
from controller.authority import AUTHORITY, SIGNED_BY_TWO, Action, Actor, NotAuthorised, Role
from tests.accounts.office import AWAY, HOME, OTHER, PASSWORD, SQLITE, TERMINAL, Office, Wall, office

RECIPE = ToBeSigned(Action.APPROVE, "honda-example-1@3", "a" * 64, "approved for production")
LOT = ToBeSigned(Action.RELEASE, "run-1/laminate", "b" * 64, "released as good")


@pytest.fixture
async def engineers(people: Office) -> tuple[Actor, Actor]:
    return await people.person("ann", "engineer"), await people.person("bob", "engineer", OTHER)


async def test_two_people_sign_and_it_is_used_once(people: Office, engineers: tuple[Actor, Actor]) -> None:
    ann, bob = engineers
    signatures = people.accounts.signatures
    request = await signatures.ask(RECIPE, "proved in run 7", by=ann, address=HOME)
    assert (request.state, request.first, request.second) == ("open", "ann", None)
    with pytest.raises(SignatureRefused, match="has only one signature"):
        await signatures.use(request.id, RECIPE, by=ann)
    signed = await people.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=AWAY)
    assert (signed.state, signed.second) == ("signed", "bob")
    with pytest.raises(NotAuthorised):
        await signatures.use(request.id, RECIPE, by=Actor("cleo", Role.OPERATOR, "password"))
    first, second = await signatures.use(request.id, RECIPE, by=ann)
    assert second == Signature("bob", Role.ENGINEER, "password", second.utc, Action.APPROVE, RECIPE.object, "a" * 64,
                               "approved for production", request.id)  # fmt: skip
    assert first.who == "ann"
    with pytest.raises(SignatureRefused, match="was used already"):
        await signatures.use(request.id, RECIPE, by=bob)
    assert await signatures.open() == []
    told = [(each["kind"], each["who"], each["object"]) for each in people.told() if "signature" in each["kind"]]
    assert told == [
        ("signature.asked", "ann", RECIPE.object),
        ("signature.given", "bob", RECIPE.object),
        ("signature.used", "ann", RECIPE.object),
    ]
    given = people.told("signature.given")[0]
    assert given["new"] == {"action": "APPROVE", "sha256": "a" * 64, "meaning": RECIPE.meaning, "request": request.id,
                            "first": "ann"} | given["new"]  # fmt: skip
    assert given["address"] == AWAY


async def test_the_first_does_not_sign_twice_nor_whoever_has_not_the_right(
    people: Office, engineers: tuple[Actor, Actor]
) -> None:
    ann, _ = engineers
    for role in Role:
        await people.person(f"a.{role}", role)
    request = await people.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
    with pytest.raises(SignatureRefused, match="ann has asked for this; somebody else signs it"):
        await people.accounts.second_signature(request.id, "Ann ", PASSWORD, RECIPE.sha256, address=HOME)
    for role in Role:
        if Action.APPROVE not in AUTHORITY[role]:
            with pytest.raises(NotAuthorised):
                await people.accounts.second_signature(request.id, f"a.{role}", PASSWORD, RECIPE.sha256, address=HOME)
    with pytest.raises(SignInRefused):
        await people.accounts.second_signature(request.id, "bob", PASSWORD, RECIPE.sha256, address=HOME)
    assert (await people.accounts.signatures.open())[0].state == "open"


async def test_what_was_not_seen_is_not_signed_and_what_was_not_signed_is_not_done(
    people: Office, engineers: tuple[Actor, Actor]
) -> None:
    ann, _ = engineers
    request = await people.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
    with pytest.raises(SignatureRefused, match="is not what you saw"):
        await people.accounts.second_signature(request.id, "bob", OTHER, "c" * 64, address=HOME)
    await people.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=HOME)
    for other in (
        replace(RECIPE, sha256="c" * 64),
        replace(RECIPE, action=Action.BYPASS),
        replace(RECIPE, object="another"),
    ):
        with pytest.raises(SignatureRefused, match="not what was signed"):
            await people.accounts.signatures.use(request.id, other, by=ann)
    with pytest.raises(SignatureRefused, match="was signed by bob already"):
        await people.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=HOME)


async def test_used_by_two_at_once_it_counts_once(people: Office, engineers: tuple[Actor, Actor]) -> None:
    ann, bob = engineers
    request = await people.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
    await people.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=HOME)
    used = [people.accounts.signatures.use(request.id, RECIPE, by=by) for by in (ann, bob, ann)]
    done = await asyncio.gather(*used, return_exceptions=True)
    assert sum(isinstance(each, tuple) for each in done) == 1


async def test_used_by_two_processes_at_once_it_counts_once(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b").mkdir()
    async with office(url, tmp_path) as one:
        ann = await one.person("ann", "engineer")
        await one.person("bob", "engineer", OTHER)
        request = await one.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
        await one.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=HOME)
        accepted = Act("accounts.accepted", TERMINAL, "accounts")
        async with office(url, tmp_path / "b", accept=accepted) as two:
            record = two.accounts.audit.record

            async def overtaken(*arguments: Any, **more: Any) -> Any:
                await one.accounts.signatures.use(request.id, RECIPE, by=ann)
                return await record(*arguments, **more)

            monkeypatch.setattr(two.accounts.audit, "record", overtaken)
            with pytest.raises(SignatureRefused, match="was used already"):
                await two.accounts.signatures.use(request.id, RECIPE, by=ann)


async def test_who_lost_the_right_meanwhile_has_not_signed(people: Office, engineers: tuple[Actor, Actor]) -> None:
    ann, bob = engineers
    request = await people.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
    await people.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=HOME)
    await people.accounts.users.set_enabled("bob", enabled=False, by=TERMINAL)
    with pytest.raises(SignatureRefused, match="bob, who signed, may not approve a recipe"):
        await people.accounts.signatures.use(request.id, RECIPE, by=ann)
    await people.accounts.users.set_enabled("bob", enabled=True, by=TERMINAL)
    await people.accounts.users.set_role("ann", "operator", by=TERMINAL)
    with pytest.raises(SignatureRefused, match="ann, who signed"):
        await people.accounts.signatures.use(request.id, RECIPE, by=bob)


async def test_a_request_ends_by_itself_or_is_withdrawn(people: Office, engineers: tuple[Actor, Actor]) -> None:
    ann, bob = engineers
    signatures = people.accounts.signatures
    over = await signatures.ask(RECIPE, "why", by=ann, address=HOME)
    people.wall.pass_(hours=9)
    with pytest.raises(SignatureRefused, match="was over at"):
        await people.accounts.second_signature(over.id, "bob", OTHER, RECIPE.sha256, address=HOME)
    request = await signatures.ask(RECIPE, "why", by=ann, address=HOME)
    await signatures.withdraw(request.id, by=bob)
    for act in (
        people.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=HOME),
        signatures.withdraw(request.id, by=ann),
        signatures.use(request.id, RECIPE, by=ann),
    ):
        with pytest.raises(SignatureRefused, match="was withdrawn"):
            await act
    for request_id in ("nothing", "", "\ud800\0"):
        with pytest.raises(SignatureRefused, match="no such request"):
            await signatures.use(request_id, RECIPE, by=ann)


async def test_guessing_at_a_signature_is_late_like_any_guessing(
    people: Office, engineers: tuple[Actor, Actor]
) -> None:
    request = await people.accounts.signatures.ask(RECIPE, "why", by=engineers[0], address=HOME)
    for refusal in [SignInRefused] * 5 + [LockedOut]:
        with pytest.raises(refusal):
            await people.accounts.second_signature(request.id, "bob", PASSWORD, RECIPE.sha256, address=HOME)
    assert len(people.told("signature.refused")) == 5


async def test_a_release_is_signed_with_its_meaning_and_the_password(
    people: Office, engineers: tuple[Actor, Actor]
) -> None:
    ann, _ = engineers
    with pytest.raises(SignInRefused):
        await people.accounts.signatures.sign(LOT, OTHER, by=ann, address=HOME)
    signature = await people.accounts.signatures.sign(LOT, PASSWORD, by=ann, address=HOME)
    assert (signature.who, signature.meaning, signature.sha256, signature.object) == (
        "ann", "released as good", "b" * 64, "run-1/laminate")  # fmt: skip
    event = next(event for event in people.journal.events() if event.kind == "signature.given")
    assert event.utc == signature.utc
    for action in SIGNED_BY_TWO:
        with pytest.raises(SignatureRefused, match="two people sign"):
            await people.accounts.signatures.sign(replace(LOT, action=action), PASSWORD, by=ann, address=HOME)


@pytest.mark.parametrize("role", Role)
async def test_only_who_may_do_it_signs_and_never_a_program(tmp_path: Path, role: Role) -> None:
    async with office(f"sqlite:///{tmp_path / 'people.sqlite'}", tmp_path) as people:
        ann = await people.person("ann", role)
        if Action.RELEASE in AUTHORITY[role]:
            await people.accounts.signatures.sign(LOT, PASSWORD, by=ann, address=HOME)
            await people.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
        else:
            with pytest.raises(NotAuthorised):
                await people.accounts.signatures.sign(LOT, PASSWORD, by=ann, address=HOME)
            with pytest.raises(NotAuthorised):
                await people.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
        made = await people.accounts.make_token("mes", role, timedelta(days=1), by=ann)
        program = await people.accounts.bearer(made.token)
        for act in (
            people.accounts.signatures.sign(LOT, PASSWORD, by=program, address=HOME),
            people.accounts.signatures.ask(RECIPE, "why", by=program, address=HOME),
        ):
            with pytest.raises(NotAuthorised, match="a token signs nothing"):
                await act


@SQLITE
@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (replace(RECIPE, sha256="A" * 64), "why"),
        (replace(RECIPE, sha256=""), "why"),
        (replace(RECIPE, meaning="  "), "why"),
        (replace(RECIPE, object="x" * 301), "why"),
        (RECIPE, ""),
        (RECIPE, "\ud800"),
    ],
)
async def test_what_cannot_be_signed_is_refused(
    people: Office, engineers: tuple[Actor, Actor], what: ToBeSigned, reason: str
) -> None:
    with pytest.raises((SignatureRefused, Unacceptable)):
        await people.accounts.signatures.ask(what, reason, by=engineers[0], address=HOME)


async def test_a_request_lasts_over_a_restart(url: str, tmp_path: Path) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        ann = await people.person("ann", "engineer")
        await people.person("bob", "engineer", OTHER)
        request = await people.accounts.signatures.ask(RECIPE, "why", by=ann, address=HOME)
    async with office(url, tmp_path, wall) as people:
        await people.accounts.second_signature(request.id, "bob", OTHER, RECIPE.sha256, address=HOME)
        assert len(await people.accounts.signatures.use(request.id, RECIPE, by=ann)) == 2
