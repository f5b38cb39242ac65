"""Damages to a file's text and bytes, whatever it is a file of."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.campaign.hostile import VALUES

TextDamage = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, chance: random.Random) -> bytes:
    """One to eight bytes other than they were."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if changed:
            place = chance.randrange(len(changed))
            changed[place] = chance.choice((changed[place] ^ (1 << chance.randrange(8)), chance.randrange(256)))
    return bytes(changed)


def insert(data: bytes, chance: random.Random) -> bytes:
    """Bytes that editors, terminals and other systems leave behind."""
    piece = chance.choice(VALUES["bytes_as_latin_1"]).encode("latin-1")
    place = chance.choice((0, len(data), chance.randint(0, len(data))))
    return data[:place] + piece + data[place:]


def cut(data: bytes, chance: random.Random) -> bytes:
    """The end is missing, or the beginning, or a piece."""
    one, other = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    return chance.choice((data[:one], data[other:], data[:one] + data[other:], data[: one + 40] + data[one + 80 :]))


def recode(data: bytes, chance: random.Random) -> bytes:
    """The same text in another encoding."""
    text = data.decode("utf-8", errors="replace")
    names = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-8-sig", "utf-7", "shift_jis")
    return text.encode(chance.choice(names), errors="replace")


def line_ends(data: bytes, chance: random.Random) -> bytes:
    """Another system's line ends, in all or some lines."""
    end = chance.choice((b"\r\n", b"\r", b"\n\r", b"\xc2\x85", b"\xe2\x80\xa8", b"\n\n", b" \n", b"\t\n"))
    return data.replace(b"\n", end, chance.choice((-1, 1, 20)))


def indent(data: bytes, chance: random.Random) -> bytes:
    """A line further in or out, by blanks or tabs."""
    lines = data.split(b"\n")
    number = chance.randrange(len(lines))
    line = lines[number]
    lines[number] = chance.choice((b"  " + line, b" " + line, b"\t" + line, line.lstrip(), line.replace(b"  ", b"\t")))
    return b"\n".join(lines)


def lines(data: bytes, chance: random.Random) -> bytes:
    """A line lost, doubled, swapped with another, or joined to the next."""
    parts = data.split(b"\n")
    one, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    match chance.randrange(4):
        case 0:
            del parts[one]
        case 1:
            parts.insert(other, parts[one])
        case 2:
            parts[one], parts[other] = parts[other], parts[one]
        case _:
            parts[one : one + 2] = [b"".join(parts[one : one + 2])]
    return b"\n".join(parts)


def words(data: bytes, chance: random.Random) -> bytes:
    """A word in the place of another, as a careless search and replace does."""
    found = data.split(b" ")
    old, new = chance.choice(found), chance.choice(found)
    return data.replace(old, new, chance.choice((1, 1, -1))) if old and len(data) < 100_000 else data


def twice(data: bytes, chance: random.Random) -> bytes:
    """The file behind itself, as one document or two."""
    return data + chance.choice((b"", b"---\n", b"...\n", b"\n...\n---\n")) + data


def hollow(data: bytes, chance: random.Random) -> bytes:
    """Nearly nothing."""
    return chance.choice(
        (b"", b"\n", b"---", b"--- {}", b"# only words", b"{}", b"[]", b"\xef\xbb\xbf", b"\x00", b"~", b"{", b"a")
    )


def bomb(data: bytes, chance: random.Random) -> bytes:
    """Aliases that grow a thousandfold with every line, or one that holds itself."""
    rows = [b"l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [b"l%d: &l%d [" % (n, n) + b", ".join([b"*l%d" % (n - 1)] * 10) + b"]" for n in range(1, 12)]
    return chance.choice((b"\n".join(rows) + b"\n" + data, b"a: &a {b: *a}\n" + data, data + b"steps: &s [*s, *s]\n"))


def huge(data: bytes, chance: random.Random) -> bytes:
    """Just below the largest size, or far above it."""
    size = chance.choice((900_000, 990_000, 10_000_000))
    filler = chance.choice(
        (b"# words\n", b"- a\n", b"x: y\n", b"[", b" ", b"a", b"\n", b"a: [", b"'", b"- - ", b"? a\n", b"\xc3\xa9")
    )
    padding = filler * ((size - len(data)) // len(filler))
    if filler == b"x: y\n" and chance.random() < 0.7:
        padding = b"".join(b"x%d: y\n" % number for number in range(len(padding) // 10))
    return chance.choice((data + padding, padding + data, data + b"junk:\n" + padding))


DAMAGES: tuple[tuple[int, TextDamage], ...] = (
    *((12, damage) for damage in (flip, insert, lines, indent, words)),
    *((6, damage) for damage in (cut, line_ends)),
    *((3, damage) for damage in (recode, twice)),
    *((1, damage) for damage in (hollow, bomb)),
)
"""How often each is drawn, and what it does."""
HUGE_EVERY = 400
"""A file of a million bytes takes the reader a second; so one of so many mutants is one."""
