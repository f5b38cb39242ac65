"""The simulated operator as a Person, beside the line in one process or at the other end of a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from controller.executor.prompts import Answer, Prompt, TaskImpossible

UNCERTAINTY_PREFIX = "u:"
LINE_LIMIT = 1_000_000  # bytes of one message; a prompt has a few thousand


class OperatorUnreachable(TaskImpossible):
    """The simulated operator's socket is not there or broke. A retry makes sense when its simulator is back."""


SIMULATED = "simulated operator"
NOBODY_DECIDES = (
    "the simulated operator decides nothing: continue, re-press or scrap is for a person (dry-run --at-gates)"
)


def split_answer(by: str, values: Mapping[str, float], lots: tuple[str, ...] | None = None) -> Answer:
    """An answer whose names with a leading "u:" are the uncertainties of the others; lots are what was scanned."""
    plain = {name: value for name, value in values.items() if not name.startswith(UNCERTAINTY_PREFIX)}
    uncertain = {
        name.removeprefix(UNCERTAINTY_PREFIX): value
        for name, value in values.items()
        if name.startswith(UNCERTAINTY_PREFIX)
    }
    return Answer(by, plain, uncertain, lots)


def decided_at_gate(prompt: Prompt, told: str | None) -> Answer:
    """What the simulated operator decides, as it was told; raises TaskImpossible where it was not, or cannot."""
    if told is None:
        raise TaskImpossible(NOBODY_DECIDES)
    if told not in prompt.choices:
        raise TaskImpossible(f"the simulated operator was told to {told}, which is no choice here")
    return Answer(SIMULATED, {}, {}, choice=told, why="told so before the run")


class RemoteOperator:
    """Prompts as one JSON line each to `pressline simulate`, answers as one line each."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme != "tcp" or not parts.hostname or not port:
            raise OperatorUnreachable(f"operator url {url!r} is not of the form tcp://host:port")
        self._host, self._port = parts.hostname, port

    async def perform(self, prompt: Prompt) -> Answer:
        """Raises TaskImpossible; OperatorUnreachable when the simulator is gone."""
        if prompt.choices:
            return decided_at_gate(prompt, None)
        message = asdict(prompt)
        del message["choices"]
        entries = message.pop("entries")
        message["fields"] = [entry["name"] for entry in entries]
        message["expected"] = {entry["name"]: [entry["expected"], entry["tolerance"]] for entry in entries}
        del message["text"]
        return split_answer(SIMULATED, await self._exchange(message), prompt.consumes)

    async def truth(self, lot: str) -> dict[str, Any]:
        """What the simulated line really made; raises OperatorUnreachable."""
        return dict(await self._exchange({"action": "truth", "consumes": [lot]}))

    async def _exchange(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """One connection for one message; how many tasks are done at once is the simulator's to say."""
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=LINE_LIMIT)
        except OSError as error:
            raise OperatorUnreachable(f"no simulated operator at {self._host}:{self._port} ({error})") from error
        try:
            writer.write(json.dumps(message).encode() + b"\n")
            await writer.drain()
            answer = json.loads(await reader.readline() or b'{"error": "the connection was closed"}')
            found = dict(answer["values"]) if "error" not in answer else {}
        except OSError as error:
            raise OperatorUnreachable(f"the simulated operator broke off ({error})") from error
        except (ValueError, TypeError, KeyError) as error:  # too long a line is a ValueError too
            raise OperatorUnreachable(f"what answers at {self._host}:{self._port} is no simulated operator") from error
        finally:
            writer.close()
        if "error" in answer:
            raise TaskImpossible(f"the simulated operator could not do it: {answer['error']}")
        return found


def run_truth(simulated_truth: Mapping[str, Any], jobs: Mapping[int, str]) -> dict[str, Any]:
    """The simulated truth in the record's form: layers, and the decrease of porosity by each pressing step.

    outside_model has a sentence for each limit of the simulation that the run went beyond; the record tells them.
    """
    found: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
    for pressing in simulated_truth["pressings"]:
        if (name := jobs.get(int(pressing["job_id"]))) is None:
            continue
        before, after = found.setdefault(name, ({}, {}))
        for layer, value in pressing["before"].items():
            before.setdefault(layer, value)  # a step that pressed twice began before its first pressing
        after.update(pressing["after"])
    steps = [{"name": name, "decrease_pct": _decreases_pct(*porosities)} for name, porosities in found.items()]
    outside = list(simulated_truth.get("outside_model", ()))
    return {"layers": simulated_truth["layers"], "steps": steps, "outside_model": outside}


def _decreases_pct(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {layer: 100 * (1 - after[layer] / value) for layer, value in before.items() if value > 0 and layer in after}
