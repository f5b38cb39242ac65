"""The table of topics, its schemas and its page; names that MQTT does not take; real messages against the schemas."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiomqtt
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from controller.cli.main import app
from controller.outbox import Limits
from controller.telemetry.messages import encoded, told
from controller.telemetry.names import level
from controller.telemetry.page import SCHEMAS, reference_page, schema_text
from controller.telemetry.times import iso, microseconds
from controller.telemetry.topics import RESERVED, TOPICS, Topic, Topics, unit_level
from tests.telemetry.hosted import Plant
from tests.telemetry.mosquitto import Heard, mosquitto, subscriber

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "mqtt.md"


def test_the_page_is_as_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_page()


def test_the_schemas_are_as_the_table() -> None:
    wanted = {f"{one.message.__name__}.json": schema_text(one) for one in TOPICS.values()}
    assert {file.name: file.read_text(encoding="utf-8") for file in SCHEMAS.iterdir()} == wanted
    for text in wanted.values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


@given(st.text())
def test_any_name_is_a_level(name: str) -> None:
    fit = level(name)
    assert fit
    assert not set(fit) & set("+#/\0")
    assert not fit.startswith("$")
    fit.encode()
    aiomqtt.Topic(f"a/{fit}/b")
    assert level(fit) == fit


def test_a_unit_cannot_be_taken_for_another_topic() -> None:
    topics = Topics("s", "a", "l")
    assert {unit_level(name) for name in RESERVED} & RESERVED == set()
    assert topics.unit("unit", "run") == "s/a/l/run-/state"
    units = frozenset({"press-1"})
    assert topics.alarm("tilt", "press-1/left", units=units, line="line") == "s/a/l/press-1/alarm/tilt/left"
    assert topics.alarm("flood", "line", units=units, line="line") == "s/a/l/alarm/flood"
    assert topics.alarm("late", "run 7", units=units, line="line") == "s/a/l/run/run 7/alarm/late"


@given(st.integers(0, 2**52))
def test_times_come_back(utc_us: int) -> None:
    assert microseconds(iso(utc_us)) == utc_us


def test_what_is_no_number_is_null() -> None:
    message = {"values": [float("nan"), {"a": float("inf")}, 1.5], "text": "grün"}
    assert json.loads(told(encoded(message), historical=True)) == {
        "historical": True,
        "values": [None, {"a": None}, 1.5],
        "text": "grün",
    }


def kind_of(topic: str) -> Topic:
    rest = topic.removeprefix("Site 1/hall-2/line/").split("/")
    match rest:
        case ["status" | "health" | "gap" as name]:
            return TOPICS[name]
        case ["event", *_]:
            return TOPICS["event"]
        case ["run", _, "state"]:
            return TOPICS["run"]
        case [_, "state"]:
            return TOPICS["unit"]
        case [_, "values" | "image" as name]:
            return TOPICS[name]
        case [*_, "alarm", _]:
            return TOPICS["alarm"]
    raise AssertionError(topic)


async def test_every_message_is_as_its_schema_says(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port, limits=Limits(messages=60))
        heard = Heard()
        async with subscriber(server.port, heard=heard), plant.hosted() as line:
            await line.connected()
            line.press.link(up=True)
            line.press.show(1.0, machine_state=6, force_pv_kn=1.0, phase=99)
            line.journal.note("r1", "run.created", {"recipe": "e", "plan_hash": "h", "steps": []})
            for name, subject in (("press_tilt", "press-1"), ("flood", "line"), ("late", "r1")):
                line.journal.note("line", "alarm.raised", alarm(name, subject))
            await heard.until(lambda: len(heard.on("/alarm/")) >= 3 and heard.on("/image"))
            server.kill()
            await line.lost()
            for number in range(200):
                line.clock.passes(1)
                line.press.show(2.0 + number, machine_state=6, force_pv_kn=float(number))
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            server.start()
            await heard.until(lambda: heard.on("line/gap"))
        seen = set()
        for message in heard.messages:
            if message.payload:
                kind = kind_of(str(message.topic))
                seen.add(kind.message)
                jsonschema.validate(json.loads(bytes(message.payload)), json.loads(schema_text(kind)))
                assert message.qos == 1
        assert seen == {one.message for one in TOPICS.values()}


def alarm(name: str, subject: str) -> dict[str, Any]:
    own = {"name": name, "subject": subject, "state": "unacknowledged", "priority": "high", "text": "t"}
    return {**own, "condition": True, "count": 1, "first_out": False, "occurred": False, "who": "", "why": ""}


@pytest.mark.parametrize(("arguments", "code", "words"), [((), 0, "{unit}/values"), (("nothing",), 2, "no topic")])
def test_the_command_lists_topics(arguments: tuple[str, ...], code: int, words: str) -> None:
    result = CliRunner().invoke(app, ["telemetry", "topics", *arguments])
    assert (result.exit_code, words in result.output) == (code, True)


async def test_the_command_says_what_waits(tmp_path: Path) -> None:
    plant = Plant(tmp_path, 1, limits=Limits(messages=1))
    async with plant.hosted() as line:
        for _ in range(3):
            line.journal.note("r1", "step.phase", {"unit": "press-1", "phase": "p"})
    result = CliRunner().invoke(app, ["telemetry", "status", str(tmp_path / "outbox.sqlite"), "--json"])
    [found] = json.loads(result.output)
    assert found["line"] == "Site 1/hall-2/line"
    assert found["waiting"] == {"event (json)": 1}
    assert found["dropped"][0]["messages"] >= 2
    assert "not kept" in CliRunner().invoke(app, ["telemetry", "status", str(tmp_path / "outbox.sqlite")]).output
    missing = CliRunner().invoke(app, ["telemetry", "status", str(tmp_path / "none.sqlite")])
    assert (missing.exit_code, "is no outbox" in missing.output) == (2, True)
