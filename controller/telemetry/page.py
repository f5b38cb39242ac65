"""The reference page of the topics (docs/reference/mqtt.md) and their schemas, made from the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from controller.outbox import Limits, Priority
from controller.service_config import KEEP_ALIVE_S, VALUES_HZ
from controller.telemetry.courier import LIVE_MOST
from controller.telemetry.feed import IMAGE_S
from controller.telemetry.settings import REPLAY_PER_S
from controller.telemetry.topics import TOPICS, Topic, schema_of

SCHEMAS = Path(__file__).parent / "schemas"
_KEPT = {None: "no", Priority.VALUE: "first to go", Priority.STATE: "second", Priority.EVENT: "last"}


def schema_text(topic: Topic) -> str:
    """A schema as it is in its file."""
    return json.dumps(schema_of(topic), indent=2, ensure_ascii=False) + "\n"


def reference_page() -> str:
    """The whole page, as Markdown."""
    return "\n\n".join([_head(), _topics(), _promise(), *_messages()]) + "\n"


def _head() -> str:
    return """# MQTT topics
Made from `controller/telemetry/topics.py` by `pressline telemetry topics --page`; a test compares. Why it is so:
[telemetry](../explanation/telemetry.md). Sparkplug B has [a page of its own](sparkplug.md).

Every topic begins with `SITE/AREA/LINE/`, as the line file names them; in names `+`, `#`, `/` and control characters
become `-`. Messages are JSON objects in UTF-8, all with QoS 1, with MQTT 3.1.1 or 5. **No command is accepted over
MQTT**: the line subscribes to nothing here."""


def _topics() -> str:
    rows = [
        f"| `{one.path}` | [{one.message.__name__}](#{one.message.__name__.lower()}) | "
        f"{'yes' if one.retained else 'no'} | {_KEPT[one.priority]} | {one.when} |"
        for one in TOPICS.values()
    ]
    head = "| topic | message | retained | kept without a broker, and given up | sent when |\n|---|---|---|---|---|"
    return "## Topics\n" + "\n".join([head, *rows])


def _promise() -> str:
    limits = Limits()
    return f"""## What is promised
- Every **event** is delivered at least once, in the order of its `sequence`, over a broker's absence, a kill of the
  service and a full disk (as long as memory has room). After a loss of the connection some come twice: who drops a
  `hash` that was there already has each exactly once. The outbox follows the journal: what was recorded and not
  told when the service died is told at its next start. (What lowers risk is told before it is on the journal's disk: if
  a kill takes such a record, its `sequence` is used again by another record, with another `hash`.)
- What the broker has acknowledged is the broker's: one that is killed with messages in its memory alone loses them for
  its subscribers.
- **Values and states** that come while there is no broker, or that it had not acknowledged, are kept and sent
  afterwards in their order, on the same topic, not retained, with `"historical": true`; `utc` tells two that are the
  same. Those of the last moment before a kill of the service itself may be missing; the trends have them.
- After its return a broker gets what is now first. What was follows beside it, events before values, at most
  {REPLAY_PER_S:g} values and states a second and with at most a quarter of the messages that may be unacknowledged, so
  that live ones need not wait. The two orders (events; values and states) are each kept.
- At most {limits.messages:,} messages or {limits.size // 10**6:,} MB are kept, {limits.memory_messages:,} more while
  the disk refuses. Then values go first, then states, then events, the oldest of each first; how many of which time is
  told under `gap` when the broker is back.
- Up to {LIVE_MOST:,} messages wait for a slow broker in memory, later ones as if there were none.
- An empty retained message means: there is nothing under this topic any more (an alarm is normal, a run is over). The
  last state comes right before it, not retained.
- When the line is lost the broker says `online: false` under `status`, {1.5 * KEEP_ALIVE_S:g} s after its last word at
  the latest.
- Values are told at most {VALUES_HZ:g} times a second and unit, states at once; every {IMAGE_S:g} s all values are
  retained under `image`.
- A message that the broker refuses, or that is larger than it takes (MQTT 5 tells), is lost for it, and an
  alarm; brokers of MQTT 3.1.1 do not say."""


def _messages() -> Iterator[str]:
    yield "## Messages\nTheir JSON Schemas are in `controller/telemetry/schemas/`; nothing else is in a message."
    seen = set()
    for one in TOPICS.values():
        if one.message in seen:
            continue
        seen.add(one.message)
        schema = schema_of(one)
        rows = [
            f"| `{name}` | {_type(told, schema)} | {told.get('description', '')} |"
            for name, told in schema["properties"].items()
        ]
        head = "| member | type | meaning |\n|---|---|---|"
        yield "\n".join([f"### {schema['title']}", schema["description"], "", head, *rows])
    value = schema_of(TOPICS["values"])["$defs"]["Value"]
    rows = [
        f"| `{name}` | {_type(told, value)} | {told.get('description', '')} |"
        for name, told in value["properties"].items()
    ]
    yield "\n".join(["### Value", value["description"], "", "| member | type | meaning |\n|---|---|---|", *rows])


def _type(told: dict[str, object], schema: dict[str, object]) -> str:
    match told:
        case {"anyOf": list(kinds)}:
            return " or ".join(_type(kind, schema) for kind in kinds)
        case {"enum": list(words)}:
            return ", ".join(f"`{word}`" for word in words)
        case {"$ref": str(name)}:
            return f"[{name.rpartition('/')[2]}](#{name.rpartition('/')[2].lower()})"
        case {"type": "array", "items": dict(items)}:
            return f"array of {_type(items, schema)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"{_type(values, schema)} by name"
        case _:
            return str(told.get("type", "any"))
