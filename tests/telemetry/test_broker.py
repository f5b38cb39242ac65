"""One connection over real sockets: acknowledgements with their reasons, brokers that are gone, silent or foreign."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from controller.telemetry.broker import BrokerGone, Link, Will, linked
from controller.telemetry.settings import Broker, Tls
from tests.ports import free_port
from tests.telemetry.certificates import Authority
from tests.telemetry.mosquitto import Mosquitto, mosquitto, subscriber

RIGHT, WRONG = "r1ght", "wr0ng"


def broker_at(port: int, version: Any = "5") -> Broker:
    return Broker("127.0.0.1", port, "line", version, acknowledge_s=0.5, connect_s=1.0)


async def acknowledged(link: Link, topic: str, payload: bytes = b"x") -> str | None:
    answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    link.on_acknowledged = lambda item, refused: answer.set_result(refused) if item == topic else None
    link.send(topic, payload, topic)
    return await asyncio.wait_for(answer, 5)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_message_is_acknowledged_and_heard(tmp_path: Path, version: str) -> None:
    with mosquitto(tmp_path) as server:
        async with subscriber(server.port) as heard, linked(broker_at(server.port, version), None) as link:
            assert await acknowledged(link, "a/b") is None
            await heard.until(lambda: len(heard.messages) == 1)
            assert link.in_flight == 0


async def test_small_messages_are_sent_at_once(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        async with linked(broker_at(server.port), None) as link:
            held = link._client.paho.socket()
            assert isinstance(held, socket.socket)
            assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_the_will_is_told_when_the_line_is_lost_and_not_when_it_leaves(tmp_path: Path, version: str) -> None:
    will = Will("s/status", b"gone")
    with mosquitto(tmp_path) as server:
        async with subscriber(server.port) as heard:
            async with linked(broker_at(server.port, version), will):
                pass
            await asyncio.sleep(0.2)
            assert heard.messages == []
            with pytest.raises(ZeroDivisionError):
                async with linked(broker_at(server.port, version), will):
                    raise ZeroDivisionError
            await heard.until(lambda: [m.payload for m in heard.messages] == [b"gone"])
        async with subscriber(server.port) as later:
            await later.until(lambda: bool(later.messages) and bool(later.messages[0].retain))


async def test_a_broker_that_refuses_a_topic_is_told_with_its_reason(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite ours/#\n", encoding="utf-8")
    with mosquitto(tmp_path, f"allow_anonymous true\nacl_file {rules}") as server:
        async with linked(broker_at(server.port), None) as link:
            assert await acknowledged(link, "theirs/x") == "Not authorized"
            assert await acknowledged(link, "ours/x") is None


async def listened(broker: Broker) -> None:
    async with linked(broker, None) as link:
        async for _ in link.received():
            pass


async def test_a_client_with_the_same_id_takes_over(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        listening = asyncio.create_task(listened(broker_at(server.port)))
        await asyncio.sleep(0.2)
        async with linked(broker_at(server.port), None):
            with pytest.raises(BrokerGone, match="the connection is lost"):
                await listening


async def test_a_broker_that_says_who_took_over_is_told_so() -> None:
    async with black_hole(b"\x20\x03\x00\x00\x00" + b"\xe0\x01\x8e") as port:
        with pytest.raises(BrokerGone, match="Session taken over") as told:
            await listened(broker_at(port))
        assert told.value.taken_over


@pytest.mark.parametrize("answer", ["comes", "fails"])
async def test_a_task_that_is_cancelled_as_its_answer_comes_ends(tmp_path: Path, answer: str) -> None:
    """asyncio.wait_for of Python 3.11 would give it the answer and forget the cancellation."""
    with mosquitto(tmp_path) as server:
        async with linked(broker_at(server.port), None) as link:
            asking = asyncio.create_task(link.subscribe("a/b"))
            pending = link._client._pending_subscribes
            while not pending:  # noqa: ASYNC110  as short as can be
                await asyncio.sleep(0)
            [waiting] = pending.values()
            if answer == "comes":
                waiting.set_result([])
            else:
                waiting.set_exception(aiomqtt.MqttError("lost"))
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()


async def test_a_message_larger_than_the_broker_takes_is_refused_and_ends_nothing(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "allow_anonymous true\nmax_packet_size 1000") as server:
        async with subscriber(server.port) as heard, linked(broker_at(server.port), None) as link:
            assert await acknowledged(link, "large", b"x" * 1000) == "the broker takes 1000 bytes at most"
            assert await acknowledged(link, "l", b"x" * 987) is None
            await heard.until(lambda: [str(m.topic) for m in heard.messages] == ["l"])


async def test_a_subscription_that_the_broker_refuses_is_told() -> None:
    async with black_hole(b"\x20\x03\x00\x00\x00", b"\x90\x05\x00\x01\x00\x01\x87") as port:
        async with linked(broker_at(port), None) as link:
            told = await link.subscribe("a", "b")
        assert told == ["the broker refuses the subscription to b: Not authorized"]


async def test_a_broker_wants_fewer_messages_on_their_way(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "allow_anonymous true\nmax_inflight_messages 7") as server:
        async with linked(broker_at(server.port), None) as link:
            assert link.window == 7


async def test_a_killed_broker_ends_the_connection_and_what_it_may_not_have_is_known(tmp_path: Path) -> None:
    async def kill(server: Mosquitto) -> None:
        async with linked(broker_at(server.port), None) as link:
            server.freeze()
            for number in range(5):
                link.send("a", b"x", number)
            server.kill()
            try:
                async for _ in link.received():
                    pass
            finally:
                assert link.unacknowledged() == [0, 1, 2, 3, 4]

    with mosquitto(tmp_path) as server, pytest.raises(BrokerGone):
        await kill(server)


def password_file(folder: Path, password: str) -> Path:
    file = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", file, "line", password], check=True)
    return file


@asynccontextmanager
async def black_hole(answer: bytes, subscribed: bytes = b"") -> AsyncIterator[int]:
    """Accepts every connection, answers the first packet so, a SUBSCRIBE as is said, and then nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        if subscribed:
            await reader.readuntil(b"\x82")
            writer.write(subscribed)
        await reader.read()  # until the client goes
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_broker_that_takes_everything_and_acknowledges_nothing_counts_as_gone() -> None:
    async def send(port: int) -> None:
        async with linked(broker_at(port, "3.1.1"), None) as link:
            link.send("a", b"x", "item")
            await link.watch()

    async with black_hole(b"\x20\x02\x00\x00") as port:
        with pytest.raises(BrokerGone, match=r"has acknowledged nothing for 0\.5 s"):
            await send(port)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_broker_that_never_answers_the_connecting_is_given_up(version: str) -> None:
    async with black_hole(b"") as port:
        with pytest.raises(BrokerGone, match="timed out"):
            async with linked(broker_at(port, version), None):
                pass


async def test_connecting_can_be_cancelled() -> None:
    async with black_hole(b"") as port:

        async def connect() -> None:
            async with linked(broker_at(port), None):
                pass

        task = asyncio.create_task(connect())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_is_no_broker_is_told() -> None:
    with pytest.raises(BrokerGone, match=r"mqtt://127\.0\.0\.1:\d+: Connection refused"):
        async with linked(broker_at(free_port()), None):
            pass
    async with black_hole(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(BrokerGone):
            async with linked(broker_at(port), None):
                pass


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_wrong_password_is_told_without_it(tmp_path: Path, version: str) -> None:
    passwords = password_file(tmp_path, RIGHT)
    with mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as server:
        good = replace(broker_at(server.port, version), user="line", password=RIGHT)
        async with linked(good, None) as link:
            assert await acknowledged(link, "a") is None
        with pytest.raises(BrokerGone, match=r"(?i)not authori[sz]ed") as told:
            async with linked(replace(good, password=WRONG), None):
                pass
        assert WRONG not in str(told.value)
        assert WRONG not in repr(replace(good, password=WRONG))


async def test_tls_checks_the_broker_and_shows_our_own_certificate(tmp_path: Path) -> None:
    plant, other = Authority(tmp_path, "plant"), Authority(tmp_path, "other")
    server_certificate, server_key = plant.issue("localhost")
    lines = (
        f"allow_anonymous false\ncafile {plant.file}\ncertfile {server_certificate}\nkeyfile {server_key}\n"
        "require_certificate true\nuse_identity_as_username true"
    )
    own = plant.issue("line")
    with mosquitto(tmp_path, lines) as server:
        good = replace(broker_at(server.port), host="localhost", tls=Tls(plant.file, *own))
        async with linked(good, None) as link:
            assert await acknowledged(link, "a") is None
        for wrong, words in (
            (Tls(other.file, *own), "certificate verify failed"),
            (Tls(plant.file, *other.issue("line")), "mqtts://"),
            (Tls(plant.file), "mqtts://"),
            (Tls(tmp_path / "nowhere.pem"), "a certificate cannot be read"),
        ):
            with pytest.raises(BrokerGone, match=words):
                async with linked(replace(good, tls=wrong), None):
                    pass
        with pytest.raises(BrokerGone, match=r"(?i)not valid for '127\.0\.0\.1'"):
            async with linked(replace(good, host="127.0.0.1"), None):
                pass
