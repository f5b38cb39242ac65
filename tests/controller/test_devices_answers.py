"""What answers, and not as the profile says, is neither unreachable nor silent: it is told with place and block."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.controller.bench_for_tests import served
from tests.controller.test_cli import pressline
from tests.drivers.profile_text import INSTRUMENT, changed

PRESS = "uniaxial-press-generic"
GAUGE = "thickness-gauge-sics"
Answer = Callable[[bytes], bytes | None]
DESCRIPTION = {b"I2\r\n": b'I2 A "PL-TG50 1.00"\r\n'}


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """Host and port of something that answers each packet as `answer` says; None is silence."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while data := self.request.recv(4096):
                if said := answer(data):
                    self.request.sendall(said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def other_function(data: bytes) -> bytes | None:
    """Modbus TCP: a sound answer to the read of another table; nothing to lines of text."""
    if data[2:4] != b"\0\0":
        return None
    return data[:4] + b"\0\5" + data[6:7] + bytes([7 - data[7]]) + b"\2\0\7"


def script(answers: Mapping[bytes, bytes]) -> Answer:
    """Knows these lines; says something to every other one."""
    return lambda data: answers.get(data, b"HELLO\r\n")


def silent(data: bytes) -> None:
    return None


@pytest.mark.parametrize("command", ["read", "identify"])
def test_a_wrong_modbus_answer_has_a_state_of_its_own_and_a_place(command: str) -> None:
    with listening(other_function) as place:
        on = (f"tcp://{place}", "--profile", PRESS)
        document = pressline("devices", command, *on, "--json")
        text = pressline("devices", command, *on)
    assert (document.exit_code, text.exit_code) == (1, 1)
    told = json.loads(document.output)
    assert told["state"] == "answers wrongly"
    assert told["message"].startswith(f"{place}: input 0..35: ")
    assert told["message"] in text.output
    assert "--frames" in text.output


def test_a_wrong_line_of_text_is_told_with_what_was_asked() -> None:
    with listening(script(DESCRIPTION)) as place:
        read = pressline("devices", "read", f"tcp://{place}", "--profile", GAUGE, "--json")
    assert read.exit_code == 1
    assert f"{place}: S: asked 'S', answered 'HELLO'" in json.loads(read.output)["message"]
    with listening(script({})) as place:
        identified = pressline("devices", "identify", f"tcp://{place}", "--profile", GAUGE)
    assert f"{place}: its description: asked 'I2', answered 'HELLO'" in identified.output


def test_an_instrument_that_is_busy_is_not_out_of_reach() -> None:
    with listening(script({b"I2\r\n": b"I2 I\r\n"})) as place:
        result = pressline("devices", "identify", f"tcp://{place}", "--profile", GAUGE, "--json")
    assert (result.exit_code, json.loads(result.output)["state"]) == (1, "refused")


@pytest.mark.parametrize(("answer", "code"), [(script({}), 1), (script(DESCRIPTION), 1), (silent, 3)])
def test_a_watch_that_hears_wrong_answers_only_has_code_1(answer: Answer, code: int, tmp_path: Path) -> None:
    profile = tmp_path / "gauge.yaml"
    shipped = pressline("devices", "profile", "show", GAUGE, "--text").output
    profile.write_text(changed(shipped, "{value: 6.0,", "{value: 0.2,"), encoding="utf-8")
    with listening(answer) as place:
        watch = pressline("devices", "watch", f"tcp://{place}", "--profile", profile, "--seconds", "1")
    assert watch.exit_code == code, watch.output
    assert "link down" in watch.output
    assert ("HELLO" in watch.output) == (code == 1)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (script({}), 1, "it answers wrongly"),
        (script(DESCRIPTION), 1, "it answers wrongly"),
        (silent, 3, "did not answer"),
    ],
)
def test_a_recording_of_wrong_answers_only_has_code_1(answer: Answer, code: int, words: str, tmp_path: Path) -> None:
    profile = tmp_path / "gauge.yaml"
    shipped = pressline("devices", "profile", "show", GAUGE, "--text").output
    profile.write_text(changed(shipped, "{value: 6.0,", "{value: 0.2,"), encoding="utf-8")
    with listening(answer) as place:
        record = ("devices", "record", tmp_path / "wire.jsonl", f"tcp://{place}", "--profile", profile)
        text = pressline(*record, "--seconds", "1")
        (tmp_path / "wire.jsonl").unlink()
        document = pressline(*record, "--seconds", "1", "--json")
    assert (text.exit_code, document.exit_code) == (code, code), text.output
    assert words in text.output
    told = json.loads(document.stdout)
    assert (told["answered"], told["reached"]) == (code == 1, False)
    assert told["events"] == len((tmp_path / "wire.jsonl").read_text().splitlines()) - 1


def test_a_link_that_is_silent_first_and_then_answers_wrongly_is_told_as_such(tmp_path: Path) -> None:
    profile = tmp_path / "gauge.yaml"
    shipped = pressline("devices", "profile", "show", GAUGE, "--text").output
    profile.write_text(changed(shipped, "{value: 6.0,", "{value: 0.2,"), encoding="utf-8")
    asked: list[bytes] = []

    def late_nonsense(data: bytes) -> bytes | None:
        asked.append(data)
        return None if len(asked) < 2 else b"HELLO\r\n"

    with listening(late_nonsense) as place:
        watch = pressline("devices", "watch", f"tcp://{place}", "--profile", profile, "--seconds", "3")
    assert watch.exit_code == 1, watch.output
    assert watch.output.count("link down") == 2


def test_watch_names_the_machine_and_the_unit_of_measure_apart() -> None:
    with served(PRESS) as press:
        place = press.url.removeprefix("tcp://").partition("?")[0]
        on = (press.url, "--profile", PRESS)
        result = pressline("devices", "watch", *on, "force_pv_kn", "--seconds", "0.5", "--json")
        (value,) = json.loads(pressline("devices", "read", *on, "force_pv_kn", "--json").output)["values"]
    link, change = [json.loads(line) for line in result.output.splitlines()]
    assert change == {"utc": change["utc"], "machine": place, **value}
    assert link.keys() == {"utc", "machine", "link", "reason"}
    assert link["machine"] == place


@pytest.mark.parametrize("url", ["rtu+tcp://{place}", "tcp://{place}"])
def test_probe_of_silence_is_told_as_such(url: str) -> None:
    with listening(silent) as place:
        result = pressline("devices", "probe", url.format(place=place), "--timeout", "0.05", "--pause", "0")
    assert result.exit_code == 3, result.output
    assert "nothing answers: look at unit number, baud rate and parity" in result.output
    assert ("line of text" in result.output) == url.startswith("tcp")


@pytest.mark.parametrize(
    ("answer", "what", "words"),
    [
        (other_function, "function 3, read holding", "function"),
        (script({}), f"line of text, {GAUGE}", "answered 'HELLO'"),
    ],
)
def test_probe_of_a_place_that_answers_wrongly_only_has_code_1(answer: Answer, what: str, words: str) -> None:
    with listening(answer) as place:
        arguments = ("devices", "probe", f"tcp://{place}", "--timeout", "0.05", "--pause", "0")
        document = pressline(*arguments, "--json")
        text = pressline(*arguments)
    assert (document.exit_code, text.exit_code) == (1, 1)
    told = json.loads(document.output)
    assert told["answered"] is True
    (step,) = [step for step in told["steps"] if step["what"] == what]
    assert (step["worked"], step["wrong"]) == (False, True)
    assert words in step["text"]
    assert "something answers" in text.output


def test_probe_still_finds_a_line_of_text_that_answers_modbus_with_a_line() -> None:
    with listening(lambda data: DESCRIPTION.get(data, b"ES\r\n")) as place:
        result = pressline("devices", "probe", f"tcp://{place}", "--timeout", "0.05", "--pause", "0", "--json")
    assert result.exit_code == 0, result.output
    steps = {step["what"]: step["worked"] for step in json.loads(result.output)["steps"]}
    assert steps[f"line of text, {GAUGE}"] is True


def test_probe_asks_the_profile_s_usual_unit(tmp_path: Path) -> None:
    profile = tmp_path / "oven.yaml"
    profile.write_text(changed(INSTRUMENT, "modbus: {max_gap: 4,", "modbus: {unit: 3, max_gap: 4,"), encoding="utf-8")
    with served(str(profile), unit=3, model_number=7) as oven:
        place = oven.url.partition("?")[0]
        result = pressline("devices", "probe", place, "--profile", profile, "--timeout", "0.1", "--json")
        assert result.exit_code == 0, result.output
        assert {data[6] for data in oven.heard} == {3}
        steps = {step["what"]: step["text"] for step in json.loads(result.output)["steps"]}
        assert steps["profile"] == "oven"
        named = pressline("devices", "probe", f"{place}?unit=1", "--profile", profile, "--timeout", "0.05")
        assert named.exit_code == 3, "the URL's own unit goes first"


def test_the_url_above_the_values_and_units_can_be_copied(tmp_path: Path) -> None:
    with served(PRESS, link=tmp_path / ("port-" * 20)) as press:
        read = pressline("devices", "read", press.url, "--profile", PRESS, "mode")
        assert read.output.splitlines()[0].endswith(f" at {press.url}")
        scan = pressline("devices", "scan", press.url, "--units", "1", "--timeout", "0.2")
        assert scan.output.splitlines()[0] == f"UNITS at {press.url}"
