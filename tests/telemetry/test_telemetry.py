"""The telemetry over a real broker: what is now, what is kept, what comes again after absences and deaths."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from controller.database import DatabaseUnusable
from controller.outbox import Limits, Priority
from tests.telemetry.hosted import Hosted, Plant
from tests.telemetry.mosquitto import Heard, mosquitto, newcomer, subscriber

ROOT = "Site 1/hall-2/line"
RUN = {"recipe": "example", "plan_hash": "abc", "plan": "long", "steps": []}


def sequences(messages: list[dict[str, Any]]) -> list[int]:
    """The records that came, each once, in the order in which they came first."""
    return list(dict.fromkeys(message["sequence"] for message in messages))


async def test_what_is_now_is_retained_and_what_happens_is_told(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port)
        async with subscriber(server.port) as heard, plant.hosted() as line:
            await line.connected()
            line.press.link(up=True)
            line.press.show(1.0, machine_state=6, force_pv_kn=1.5, platen_top_c=float("nan"))
            line.journal.note("r1", "run.created", RUN)
            line.journal.note("r1", "run.state", {"state": "running", "reason": "", "who": "maria", "version": 1})
            started = {"name": "first", "kind": "press", "unit": "press-1", "lots": ["lot 1"], "commanded": {}}
            line.journal.note("r1", "step.started", started)
            await heard.until(lambda: len(heard.on("/event/")) == 3 and heard.on("press-1/state")[-1]["run"] == "r1")
            state = heard.on("press-1/state")[-1]
            assert (state["state"], state["connected"], state["step"], state["lots"]) == (
                "EXECUTE",
                True,
                "first",
                ["lot 1"],
            )
            values = heard.on("press-1/values")[-1]["values"]
            assert values["force_pv_kn"] == {"value": 1.5, "unit": "kN", "quality": "good"}
            assert values["platen_top_c"] == {"value": None, "unit": "degC", "quality": "bad"}
            created, _, step = heard.on("/event/")
            assert (created["kind"], created["run"], created["sequence"], created["historical"]) == (
                "run.created",
                "r1",
                1,
                False,
            )
            assert "plan" not in created["data"]
            assert (step["step"], step["unit"], step["lots"]) == ("first", "press-1", ["lot 1"])
            async with newcomer(server.port) as later:
                await later.until(lambda: later.on("run/r1/state") and later.on("press-1/state"))
                assert later.on("run/r1/state")[0]["step"] == "first"
                assert later.on("line/status")[0]["online"] is True
                assert all(message.retain for message in later.messages)
        async with newcomer(server.port) as later:
            await later.until(lambda: later.on("line/status"))
            assert later.on("line/status")[0]["online"] is False


async def test_only_changes_are_told_and_not_too_often(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port, changes={"values_hz": 2.0})
        async with subscriber(server.port) as heard, plant.hosted() as line:
            await line.connected()
            line.press.link(up=True)
            for tenth in range(21):
                line.press.show(10 + tenth / 10, machine_state=6, force_pv_kn=float(tenth), thickness_um=5.0)
                await asyncio.sleep(0.002)
            line.journal.note("line", "end", {})
            await heard.until(lambda: heard.on("/event/end"))
            forces = [m["values"]["force_pv_kn"]["value"] for m in heard.on("press-1/values")]
            assert forces == [0.0, 5.0, 10.0, 15.0, 20.0]
            assert ["thickness_um" in m["values"] for m in heard.on("press-1/values")] == [True, *[False] * 4]


async def test_a_change_of_state_does_not_wait_for_the_values(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port, changes={"values_hz": 0.001})
        async with subscriber(server.port) as heard, plant.hosted() as line:
            await line.connected()
            line.press.link(up=True)
            for number, state in enumerate((4, 6, 11)):
                line.press.show(1.0 + number, machine_state=state)
                await asyncio.sleep(0.02)
            await heard.until(lambda: len({m["state"] for m in heard.on("press-1/state")} - {None}) == 3)


async def test_thirteen_hours_without_a_broker_come_afterwards_once_in_order_and_flagged(tmp_path: Path) -> None:
    """An event every ten minutes, values every thirty seconds, and a broker killed with messages on their way."""
    with mosquitto(tmp_path, "allow_anonymous true\npersistence false") as server:
        plant = Plant(tmp_path, server.port)
        heard = Heard()
        async with subscriber(server.port, heard=heard), plant.hosted() as line:
            await line.connected()
            line.press.link(up=True)
            await work(line, hours=0.5, begin_s=0)
            await heard.until(lambda: len(heard.on("/event/")) == 3)
            server.freeze()
            line.journal.note("r1", "step.phase", {"unit": "press-1", "phase": "on its way"})
            line.clock.passes(1)
            line.press.show(1_999.0, machine_state=6, force_pv_kn=-1.0)
            await asyncio.sleep(0.05)
            server.kill()
            await line.lost()
            await work(line, hours=13, begin_s=2_000)
            line.clock.passes(60)
            server.start()
            await line.connected()
            line.clock.passes(1)
            live = line.journal.note("r1", "run.closed", {"state": "running"})
            total = [event.sequence for event in line.journal.events()]
            await heard.until(lambda: set(sequences(heard.on("/event/"))) >= set(total))
            await heard.until(lambda: len({m["utc"] for m in heard.on("press-1/values")}) >= 60 + 1 + 13 * 120)
            await heard.until(lambda: line.telemetry.outbox.waits("json", Priority) == 0)
        events = heard.on("/event/")
        assert sequences(events) == sorted(total)
        flagged = {m["sequence"]: m["historical"] for m in events}
        assert [flagged[n] for n in total[:3]] == [False] * 3
        assert all(flagged[n] for n in total[4:-2])
        assert flagged[live.sequence] is False
        values = heard.on("press-1/values")
        away = [m for m in values if m["historical"]]
        forces = [m["values"]["force_pv_kn"]["value"] for m in away]
        assert forces == [-1.0, *(float(2_000 + 30 * n) for n in range(13 * 120))]
        assert [m["utc"] for m in away] == sorted({m["utc"] for m in away})
        assert [m["online"] for m in heard.on("line/status")][-2:] == [True, False]
        assert ("telemetry_offline", True) in line.conditions()
        assert ("telemetry_offline", False) in line.conditions()


async def work(line: Hosted, hours: float, begin_s: float) -> None:
    """So many hours of a running line, as fast as it goes."""
    for number in range(round(hours * 120)):
        line.clock.passes(30)
        line.press.show(begin_s + 30 * number, machine_state=6, force_pv_kn=begin_s + 30.0 * number)
        if number % 20 == 0:
            line.journal.note("r1", "step.phase", {"unit": "press-1", "phase": f"p{number}"})
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_a_state_that_ended_while_the_broker_was_away_is_taken_from_it(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port)
        async with subscriber(server.port) as heard:
            async with plant.hosted() as line:
                await line.connected()
                line.journal.note("r1", "run.created", RUN)
                line.journal.note("line", "alarm.raised", alarm("unacknowledged"))
                await heard.until(lambda: heard.on("run/r1/state") and heard.on("alarm/press_tilt"))
                assert heard.on("press-1/alarm/press_tilt")[0]["state"] == "unacknowledged"
            plant.journal.note("r1", "run.state", {"state": "aborted", "reason": "", "who": "maria", "version": 2})
            plant.journal.note("r1", "run.closed", {"state": "aborted"})
            plant.journal.note("line", "alarm.returned", alarm("normal"))
            plant.clock.passes(10)
            async with plant.hosted() as line:  # another process
                await line.connected()
                await heard.until(lambda: sequences(heard.on("/event/")) == [1, 2, 3, 4, 5])
                assert all(m["historical"] for m in heard.on("/event/") if m["sequence"] > 2)
                gone = {str(m.topic) for m in heard.messages if not m.payload}
                assert gone == {f"{ROOT}/run/r1/state", f"{ROOT}/press-1/alarm/press_tilt"}


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_what_a_unit_had_retained_that_is_no_more_is_taken_from_the_broker(tmp_path: Path, version: Any) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port, version=version)
        async with plant.hosted() as line:
            await line.connected()
            line.press.link(up=True)
            line.press.show(1.0, machine_state=6, force_pv_kn=1.0)
            async with subscriber(server.port) as heard:
                await heard.until(lambda: heard.on("press-1/image") and heard.on("press-1/state"))
        async with replace(plant, units=()).hosted() as line:
            await line.connected()
            await heard_nothing_of(server.port, "press-1")


async def heard_nothing_of(port: int, unit: str) -> None:
    """A newcomer is given the line's status and soon nothing of a unit."""
    async with asyncio.timeout(10):
        while True:
            async with newcomer(port) as later:
                await later.until(lambda: later.on("line/status"))
                await asyncio.sleep(0.05)  # what is retained comes in any order
                if not any(unit in str(message.topic) for message in later.messages):
                    return


def alarm(state: str) -> dict[str, Any]:
    own = {"name": "press_tilt", "subject": "press-1", "state": state, "priority": "high", "text": "tilted"}
    return {**own, "condition": True, "count": 1, "first_out": False, "occurred": False, "who": "", "why": ""}


async def test_what_could_not_be_kept_is_told_when_the_broker_is_back(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        server.kill()
        plant = Plant(tmp_path, server.port, limits=Limits(messages=50))
        async with plant.hosted() as line:
            line.press.link(up=True)
            await work(line, hours=1, begin_s=0)
            await asyncio.sleep(0.1)
            server.start()
            async with subscriber(server.port) as heard:
                await heard.until(lambda: heard.on("line/gap"))
                await heard.until(lambda: heard.on("/event/"))
                [gap] = heard.on("line/gap")
                assert gap["priority"] == "value"
                assert gap["messages"] > 60
                assert gap["first_utc"] < gap["last_utc"]
            assert ("telemetry_dropped", False) in line.conditions()


async def test_a_broker_that_refuses_our_topics_is_told_and_stops_nothing(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text(f"topic readwrite {ROOT}/event/#\n", encoding="utf-8")
    with mosquitto(tmp_path, f"allow_anonymous true\nacl_file {rules}") as server:
        plant = Plant(tmp_path, server.port)
        async with subscriber(server.port, f"{ROOT}/event/#") as heard, plant.hosted() as line:
            await line.connected()
            line.journal.note("r1", "run.created", RUN)
            await heard.until(lambda: "run.created" in [m["kind"] for m in heard.on("/event/")])
            assert ("telemetry_refused", True) in line.conditions()
            told = [e.data["message"] for e in line.journal.events() if e.data.get("name") == "telemetry_refused"]
            assert "Not authorized" in told[0]


async def test_a_broker_that_freezes_counts_as_gone_and_gets_everything_when_it_wakes(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port)
        async with subscriber(server.port) as heard, plant.hosted() as line:
            await line.connected()
            server.freeze()
            for number in range(20):
                line.journal.note("r1", "step.phase", {"unit": "press-1", "phase": f"p{number}"})
            await line.lost()
            server.thaw()
            await heard.until(lambda: set(sequences(heard.on("step/phase"))) == set(range(1, 21)))
            assert sequences(heard.on("step/phase")) == list(range(1, 21))


@pytest.mark.parametrize("is_full", [True, False])
async def test_a_full_disk_delivers_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_full: bool) -> None:
    monkeypatch.setattr("controller.outbox.outbox.RETRY_S", 0.05)
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port)
        async with subscriber(server.port) as heard, plant.hosted() as line:
            await line.connected()

            async def full(_: object) -> None:
                raise DatabaseUnusable("outbox.sqlite: database or disk is full")

            if is_full:
                monkeypatch.setattr(line.telemetry.outbox._database, "run", full)
            for number in range(30):
                line.journal.note("r1", "step.phase", {"unit": "press-1", "phase": f"p{number}"})
            await heard.until(lambda: len(sequences(heard.on("step/phase"))) == 30)
            assert sequences(heard.on("step/phase")) == list(range(1, 31))
            await asyncio.sleep(1.1)
            assert (("telemetry_unkept", True) in line.conditions()) is is_full
            monkeypatch.undo()


async def test_nothing_that_is_sent_to_the_line_is_obeyed(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        plant = Plant(tmp_path, server.port)
        async with plant.hosted() as line:
            await line.connected()
            async with aiomqtt.Client("127.0.0.1", server.port) as stranger:
                for topic in (f"{ROOT}/press-1/command", f"{ROOT}/run/r1/state/set", f"{ROOT}/event/run/state"):
                    await stranger.publish(topic, b'{"command":"start"}', qos=1)
            await asyncio.sleep(0.1)
            assert line.journal.events() == []
            assert line.telemetry.is_connected


async def test_what_is_now_overtakes_what_was(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        server.kill()
        plant = Plant(tmp_path, server.port, changes={"replay_per_s": 400.0})
        async with plant.hosted() as line:
            line.press.link(up=True)
            await work(line, hours=3, begin_s=0)
            server.start()
            async with subscriber(server.port) as heard:
                await heard.until(lambda: len(heard.on("press-1/values")) > 20)
                line.clock.passes(1)
                line.press.show(1e6, machine_state=6, force_pv_kn=-5.0)
                await heard.until(lambda: not all(m["historical"] for m in heard.on("press-1/values")))
                values = [m["values"]["force_pv_kn"]["value"] for m in heard.on("press-1/values")]
                assert -5.0 in values[:300]
                await heard.until(lambda: line.telemetry.outbox.waits("json", Priority) == 0)
                past = [m["utc"] for m in heard.on("press-1/values") if m["historical"]]
                assert past == sorted(past)
