"""The fault console over HTTP, on the operator's port: what it tells, what it does, whom it refuses."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest

from simulators.faults import FAULTS
from simulators.line import SimulatedLine
from simulators.operator_link import serve_operator
from simulators.scenarios import SCENARIOS

JSON = "content-type: application/json\r\n"


@dataclass(frozen=True, slots=True)
class Place:
    """A served line's port."""

    line: SimulatedLine
    port: int

    async def raw(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        try:
            answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert int(headers["content-length"]) == len(body)
        return int(first.split(" ")[1]), headers, body

    async def ask(self, method: str, path: str, document: object = None, more: str = JSON) -> tuple[int, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{more}content-length: {len(body)}\r\n\r\n"
        status, _, told = await self.raw(head.encode() + body)
        return status, json.loads(told)


@asynccontextmanager
async def place(scenario: str = "realistic") -> AsyncIterator[Place]:
    line = SimulatedLine(scenario, 1, asyncio.get_running_loop().time)
    async with serve_operator(line) as url:
        yield Place(line, int(url.rpartition(":")[2]))


async def test_the_catalogue_and_the_scenarios_are_told_whole() -> None:
    async with place() as here:
        status, told = await here.ask("GET", "/faults")
        assert status == 200
        assert [fault["name"] for fault in told["faults"]] == list(FAULTS)
        leak = next(fault for fault in told["faults"] if fault["name"] == "uniaxial.leak")
        assert leak["parameters"] == [
            {
                "name": "rate_kn_s",
                "default": 0.5,
                "meaning": "loss of force",
                "unit": "kN/s",
                "low": 0.0,
                "high": 100.0,
                "choices": [],
            }
        ]
        _, told = await here.ask("GET", "/scenarios")
        assert [scenario["name"] for scenario in told["scenarios"]] == list(SCENARIOS)


async def test_a_fault_is_injected_told_and_cleared() -> None:
    async with place() as here:
        asked = {"fault": "uniaxial.leak", "after_s": 0.0, "duration_s": 60, "parameters": {"rate_kn_s": 3}}
        assert await here.ask("POST", "/inject", asked) == (200, {"number": 1})
        waits = {"fault": "people.slow", "of": "coater-1", "phase": "coat"}
        assert await here.ask("POST", "/inject", waits) == (200, {"number": 2})
        _, told = await here.ask("GET", "/status")
        states = {unit["name"]: (unit["kind"], unit["state"], unit["phase"]) for unit in told["units"]}
        assert states["uniaxial-press-1"] == ("uniaxial_press", "IDLE", "idle")
        assert states["balance-1"] == ("balance", "empty", "")
        assert [(a["number"], a["unit"], a["state"], a["phase"], a["of"]) for a in told["active"]] == [
            (1, "uniaxial-press-1", "on", None, None),
            (2, None, "waiting", "coat", "coater-1"),
        ]
        assert told["active"][0]["until_s"] - told["active"][0]["from_s"] == pytest.approx(60)
        assert 0.0 <= told["time_s"] < 5.0, "since it is served"
        assert told["switched"][0]["is_on"] is True
        assert await here.ask("POST", "/clear", {"number": 1}) == (200, {"cleared": 1})
        assert await here.ask("POST", "/clear", {}) == (200, {"cleared": 1})
        assert here.line.faults.active == ()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"fault": "uniaxial.lek"}, "uniaxial.leak"),
        ({"fault": "uniaxial.leak", "units": "x"}, "unknown: units"),
        ({"fault": "uniaxial.leak", "parameters": [1]}, "expected an object"),
        ({"fault": "uniaxial.leak", "after_s": "soon"}, "after_s is 'soon'"),
        ({"fault": "uniaxial.leak", "unit": 3}, "unit is 3"),
        ({"fault": "uniaxial.leak", "duration_s": True}, "duration_s is True"),
        ({"fault": "uniaxial.leak", "seed": 0.5}, "seed is 0.5"),
        ({"fault": "clock.step"}, "own computer's UTC"),
        ({"fault": 7}, "fault's name"),
        ([], "fault's name"),
    ],
)
async def test_what_cannot_be_injected_is_refused_in_words(document: object, words: str) -> None:
    async with place() as here:
        status, told = await here.ask("POST", "/inject", document)
        assert status == 422
        assert words in told["error"]


@pytest.mark.parametrize("document", [{"number": 9}, {"number": True}, {"all": True}, 5])
async def test_what_cannot_be_cleared_is_refused(document: object) -> None:
    async with place() as here:
        assert (await here.ask("POST", "/clear", document))[0] == 422


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /inject HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\n\r\n", 403),
        (b"GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET /status HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", 403),
        (b"POST /clear HTTP/1.1\r\nHost: localhost\r\ncontent-length: 2\r\n\r\n{}", 415),
        (b"POST /clear HTTP/1.1\r\nHost: localhost\r\ncontent-length: 99999999\r\n\r\n", 413),
        (b"POST /clear HTTP/1.1\r\nHost: localhost\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST /clear HTTP/1.1\r\nHost: localhost\r\n" + JSON.encode() + b"content-length: 1\r\n\r\n{", 400),
        (b"GET\r\n", 0),
        (b"GET nothing\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(200)) + b"\r\n", 400),
    ],
)
async def test_what_is_no_good_request_is_refused(request_: bytes, status: int) -> None:
    async with place() as here:
        if status == 0:
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            writer.write(request_)
            assert b"error" in await reader.readline(), "a line of the operator's that is none"
            writer.close()
            return
        assert (await here.raw(request_))[0] == status
        assert (await here.ask("GET", "/status"))[0] == 200, "and the next one is answered"


async def test_a_sender_that_stops_in_the_middle_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.http._PATIENCE_S", 0.1)
    async with place() as here:
        status, _, told = await here.raw(b"POST /clear HTTP/1.1\r\nHost: localhost\r\ncontent-length: 5\r\n\r\n{")
        assert (status, json.loads(told)) == (400, {"error": "the request did not end"})


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        self.loads += [str(values[name]) for name in ("src", "href") if name in values]


async def test_the_page_is_one_file_that_finds_all_it_names() -> None:
    async with place() as here:
        status, headers, body = await here.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        page = _Page()
        text = body.decode()
        page.feed(text)
        assert page.loads == [], "nothing comes from anywhere else"
        assert set(re.findall(r'byId\("([a-z-]+)"\)', text)) <= page.ids
        for path in re.findall(r'(?:ask|act)\("([a-z]+)"', text):
            assert (await here.ask("GET", f"/{path}"))[0] in (200, 405)
        assert 'lang="en"' in text
        assert 'role="status"' in text


async def test_the_operator_still_answers_beside_it() -> None:
    async with place() as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(json.dumps({"action": "truth", "consumes": ["nothing"]}).encode() + b"\n")
        told = json.loads(await reader.readline())["values"]
        assert (told["layers"], told["pressings"]) == ({}, [])
        writer.close()
