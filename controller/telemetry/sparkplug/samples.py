"""What a line tells of one of its metrics at one moment, and how it is kept until it can be sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from controller.telemetry.sparkplug.datatypes import Scalar
from controller.telemetry.sparkplug.errors import PayloadDamaged
from controller.telemetry.sparkplug.payload import QualityCode


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of the metric `name`; of the node itself where `device` is None. time_ms is UTC, None is null."""

    device: str | None
    name: str
    value: Scalar | None
    time_ms: int
    quality: QualityCode = QualityCode.GOOD


def pack(samples: Iterable[Sample]) -> bytes:
    """Samples as bytes for a queue on disk: by name, as aliases may be others after a restart."""
    return json.dumps([[s.device, s.name, s.value, s.time_ms, int(s.quality)] for s in samples]).encode()


def unpack(data: bytes) -> tuple[Sample, ...]:
    """What was packed; raises PayloadDamaged if it was not."""
    try:
        rows: list[Any] = json.loads(data)
        return tuple(
            Sample(device, name, value, time_ms, QualityCode(quality)) for device, name, value, time_ms, quality in rows
        )
    except (ValueError, TypeError) as error:
        raise PayloadDamaged("kept samples cannot be read") from error
