"""The simulated operator's socket: what answers there may be anything."""

from __future__ import annotations

import asyncio

import pytest

from controller.people import OperatorUnreachable, RemoteOperator


@pytest.mark.parametrize("url", ["tcp://localhost:99999", "tcp://localhost", "udp://localhost:1", ""])
def test_a_url_that_cannot_be_is_told(url: str) -> None:
    with pytest.raises(OperatorUnreachable, match="is not of the form"):
        RemoteOperator(url)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\n", b"\xff\n", b"5\n", b'{"values": 5}\n', b"{}\n", b"[]\n", b"x" * 1_100_000]
)
async def test_an_answer_that_is_none_is_told(answer: bytes) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OperatorUnreachable, match="is no simulated operator"):
            await RemoteOperator(f"tcp://127.0.0.1:{port}").truth("cell")
