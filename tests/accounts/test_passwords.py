"""What a new password may be, and how it is looked at: as the RFC recommends, beside the loop, out of its way."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from argon2 import extract_parameters
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from controller.accounts import Passwords, PasswordUnacceptable
from controller.accounts import password_rules as rules
from controller.accounts.password_rules import check_new_password, is_common
from controller.accounts.passwords import NICENESS


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "twelve chars",
        "only lower letters",
        "84736251908345",  # no rule of composition: figures alone will do where they are no run
        "пароль на русском",
        "            ab",
        "x" * 100 + " y " + "z" * 100,
        "ann is the name of somebody",
        "qwerty but with much more",
    ],
)
def test_what_nobody_tries_first_is_taken_whatever_it_is_made_of(password: str) -> None:
    check_new_password(password, "ann")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("eleven char", "has 11 characters; at least 12"),
        ("", "has 0 characters"),
        ("x" * 257, "longer than 256"),
        ("\ud800" * 12, "no character"),
        ("password1234", "tried first"),
        ("Password123!", "tried first"),
        ("P@ssw0rd2026!", "tried first"),
        ("passwordpassword", "tried first"),
        ("!!!Administrator1", "tried first"),
        ("pressline2026", "tried first"),
        ("changeme!!!!", "tried first"),
        ("1q2w3e4r5t6y", "tried first"),
        ("qwertyuiop12", "tried first"),
        ("aaaaaaaaaaaa", "tried first"),
        ("abababababab", "tried first"),
        ("123456789012", "tried first"),
        ("987654321098", "tried first"),
        ("abcdefghijklm", "tried first"),
        ("123456123456", "tried first"),
        ("ｐａｓｓｗｏｒｄ１２３４", "tried first"),  # the same letters, wide
        ("magdalena.smith1", "mostly the name"),
        ("Magdalena.Smith2026", "mostly the name"),
    ],
)
def test_what_is_short_or_common_or_the_name_is_refused_with_the_reason(password: str, words: str) -> None:
    with pytest.raises(PasswordUnacceptable, match=words) as told:
        check_new_password(password, "magdalena.smith")
    assert not password or password not in str(told.value)


def test_no_word_of_the_list_passes_with_figures_around_it() -> None:
    lines = Path(rules.__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if not line.startswith("#") for word in line.split()]
    assert len(words) > 400
    assert [word for word in words if not is_common(word) or not is_common(f"{word.title()}2026!")] == []


async def test_the_same_letters_typed_on_another_keyboard_fit() -> None:
    passwords = Passwords(CHEAPEST)
    stored = await passwords.hash("cafe\u0301 au lait noir")
    assert await passwords.verify(stored, "caf\u00e9 au lait noir")
    assert not await passwords.verify(stored, "cafe au lait noir")
    assert not await passwords.verify("no hash at all", "cafe au lait noir")
    passwords.close()


async def test_hashes_are_made_with_what_the_rfc_recommends_in_a_thread_that_gives_way() -> None:
    passwords = Passwords()
    turns, is_done = 0, False

    async def counted() -> None:
        nonlocal turns
        while not is_done:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(counted())
    stored = await passwords.hash("correct horse battery")
    is_done = True
    await counting
    parameters = extract_parameters(stored)
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
        RFC_9106_LOW_MEMORY.memory_cost, RFC_9106_LOW_MEMORY.time_cost, 1)  # fmt: skip
    assert stored.startswith("$argon2id$")
    assert turns > 100
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    theirs = await passwords._beside(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert theirs == max(own, NICENESS)
    passwords.close()
