"""`pressline service`: an operator at a terminal does with a running service what its pages do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from controller.authority import Role
from controller.cli.main import app
from controller.service import Given
from tests.api.site import Site, served
from tests.ports import free_port

Typed = Callable[..., Awaitable[Result]]


def typed(address: str, token: str, folder: Path) -> Typed:
    """Types `pressline service ...` with a token from a file."""
    file = folder / "token"
    file.write_text(f"{token}\n", encoding="ascii")
    around = {"PRESSLINE_URL": f"http://{address}", "PRESSLINE_TOKEN_FILE": str(file)}

    async def type_(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["service", *words], env=around)

    return type_


async def test_a_shift_at_the_terminal(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Given] = []

    async def answered(prompt: str, what: Given, **_: object) -> None:
        given.append(what)

    async with served(site) as address:
        type_ = typed(address, site.tokens[Role.OPERATOR], tmp_path)
        run = await site.run()
        assert "pilot line (SIMULATED)" in (await type_("show")).output
        assert "coater-1 (coater)" in (await type_("show", "coater-1")).output
        held = json.loads((await type_("hold", run, "--reason", "a noise", "--json")).output)
        assert held["state"] in ("holding", "held")
        shown = (await type_("runs")).output
        assert run in shown
        assert "held v" in shown
        assert run in (await type_("runs", "--past", "--since", "1970-01-01")).output
        assert (await type_("prompts")).exit_code == 0
        assert f"run_held_person@{run}" in (await type_("alarms")).output
        seen = await type_("acknowledge", f"run_held_person@{run}", "--reason", "seen")
        assert "acknowledged" in seen.output
        assert "no lot" in (await type_("lots")).output
        refused = await type_("go-on", run)
        assert refused.exit_code == 1, refused.output
        monkeypatch.setattr(site.service, "answer", answered)
        assert (await type_("answer", f"{run}.1", "--value", "mass_g=1.5", "--lot", f"{run}/sheet")).exit_code == 0
        assert given == [Given((f"{run}/sheet",), {"mass_g": 1.5})]
        assert (await type_("stop", run)).exit_code == 0


async def test_what_the_terminal_is_refused(site: Site, tmp_path: Path) -> None:
    async with served(site) as address:
        type_ = typed(address, site.tokens[Role.VIEWER], tmp_path)
        run = await site.run()
        for words, code, told in (
            (("hold", run), 1, "may not hold"),
            (("show", "none"), 1, "no unit none"),
            (("lots", "sheet"), 2, "expected RUN/LOT"),
            (("runs", "--past", "--since", "tuesday"), 2, "is no time"),
            (("start", "a@b"), 2, "NAME@VERSION"),
            (("certificate", run, "--output", str(tmp_path / "c.txt")), 2, ".pdf"),
            (("certificate", run, "--output", str(tmp_path / "c.pdf")), 1, "goes on"),
            (("show", "--token-file", str(tmp_path / "none")), 2, "no token can be read"),
            (("show", "--url", "ftp://line"), 2, "is no address"),
            (("show", "--url", f"http://127.0.0.1:{free_port()}"), 3, "does not answer"),
        ):
            found = await type_(*words)
            assert (found.exit_code, told in found.output) == (code, True), (words, found.output)
            assert "Traceback" not in found.output
            assert site.tokens[Role.VIEWER] not in found.output
