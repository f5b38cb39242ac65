"""The documentation: every page is found from its index, links lead somewhere, commands are those of the program."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from controller.cli.main import app

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LISTED_BY_FOLDER = ("decisions", "machines")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROOT_COMMAND = typer.main.get_command(app)


def anchors(page: Path) -> set[str]:
    """What headings are called in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_found_from_the_index() -> None:
    linked = {(DOCS / link.split("#")[0]).resolve() for link in LINK.findall((DOCS / "README.md").read_text())}
    pages = {page for page in PAGES if page.name != "README.md" and page.parent.name not in LISTED_BY_FOLDER}
    assert pages - linked == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.relative_to(DOCS)}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.relative_to(DOCS)}: {link}"


def written_commands(page: Path) -> Iterator[str]:
    """What a page shows to be typed, and what it names in a sentence."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    yield from re.findall(r"^(?:\$ |    )(pressline .+)$", text, re.MULTILINE)
    yield from re.findall(r"`(pressline [^`\n]+)`", text)


@pytest.mark.parametrize("page", [*PAGES, DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_commands_and_options_are_as_the_program_has_them(page: Path) -> None:
    for written in written_commands(page):
        words = shlex.split(re.split(r" [>|] ", written)[0], comments=True)[1:]
        command: Any = ROOT_COMMAND
        known = {"--help"}
        wants_value: set[str] = set()
        before = ""
        for word in words:
            known |= {option for parameter in command.params for option in parameter.opts}
            wants_value |= {o for x in command.params if not getattr(x, "is_flag", True) for o in x.opts}
            is_value, before = before in wants_value, word
            if word.startswith("--"):
                assert word.split("=")[0] in known, f"{page.name}: {written}: {word}"
            elif is_value:
                continue
            elif (commands := getattr(command, "commands", None)) is not None and word != "COMMAND":
                assert word in commands, f"{page.name}: {written}: {word}"
                command = commands[word]
                known |= {option for parameter in command.params for option in parameter.opts}
