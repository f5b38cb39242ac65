"""What the service says besides its journal: lines of JSON, or for a terminal, or for journald. Never a secret.

The journal is the record of what was decided; the log is for whoever looks after the program, and doubles none of it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
PRIORITIES: Mapping[str, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""sd-daemon(3): what journald takes at the beginning of a line."""
SECRET_NAME = re.compile(r"password|secret|token|cookie|authorization|credential|private_key", re.IGNORECASE)
SECRET_TEXT = (
    (re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@"), r"\1:***@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 ***"),
    (re.compile(r"(?i)([?&#;\s](?:\w*password|token|secret|code|state)=)[^&\s]+"), r"\1***"),
)
HIDDEN = "***"
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What begins a line, or gives a terminal orders."""
AT_MOST, WITHIN_S = 100, 60.0
"""Lines of one part at one level within so many seconds; beyond them they are counted. A browser that asks nonsense a
thousand times a second shall not fill the disk that the journal needs (engineering judgement)."""
QUIET = (
    "alembic",
    "uvicorn",
    "sqlalchemy",
    "asyncio",
    "aiomqtt",
    "mqtt",
    "amqtt",
    "transitions",
    "websockets",
    "httpx",
    "httpcore",
)
"""Libraries whose own words are told from warning on only."""

Event = MutableMapping[str, Any]


def without_secrets(_: Any, __: str, event: Event) -> Event:
    """A processor: what is called like a secret is hidden, and what looks like one in a text."""
    return {name: HIDDEN if SECRET_NAME.search(name) else _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, instead in SECRET_TEXT:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, Mapping):
        return {name: HIDDEN if SECRET_NAME.search(str(name)) else _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value


class Sparing:
    """A processor: of too many lines of one part at one level the rest is counted, and told with the next one."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, _: Any, method: str, event: Event) -> Event:
        of, now = (str(event.get("part")), method), self._seconds()
        begun, lines = self._told.get(of, (now, 0))
        if now - begun >= WITHIN_S:
            if lines > AT_MOST:
                event["not_written_before"] = lines - AT_MOST
            begun, lines = now, 0
        self._told[of] = (begun, lines + 1)
        if lines >= AT_MOST:
            raise structlog.DropEvent
        return event


class Log:
    """The log of one service. `level` may be changed while it works; `about` gives a logger for one part of it."""

    def __init__(
        self,
        form: str,
        level: str,
        utc: Callable[[], str],
        out: TextIO | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = sys.stderr if out is None else out
        self._sparing = Sparing(seconds)
        self._utc = utc
        self.level = level
        self._form = form_for(self._out, os.environ) if form == "auto" else form

    def about(self, part: str) -> Any:
        """A structlog logger whose events carry `part`."""
        shown: list[Any] = [self._render()]
        processors = [
            self._wanted,
            self._sparing,
            self._timed,
            structlog.processors.format_exc_info,
            without_secrets,
            *shown,
        ]
        logger = structlog.wrap_logger(
            structlog.WriteLogger(self._out),
            processors=processors,
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
        )
        return logger.bind(part=part)

    def take_over(self) -> Callable[[], None]:
        """What libraries log with the standard library comes here too, until the returned function is called."""
        handler, root = _Forwarding(self), logging.getLogger()
        before = root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)

        def given_back() -> None:
            root.removeHandler(handler)
            root.setLevel(before)

        return given_back

    def _wanted(self, _: Any, method: str, event: Event) -> Event:
        if LEVELS.get(method, logging.ERROR) < LEVELS[self.level]:
            raise structlog.DropEvent
        event["level"] = method
        return event

    def _timed(self, _: Any, __: str, event: Event) -> Event:
        return {"utc": self._utc(), **event}

    def _render(self) -> Any:
        if self._form == "json":
            return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if self._form == "journald":
            return _for_journald
        return structlog.dev.ConsoleRenderer(colors=self._out.isatty(), timestamp_key="utc")


def form_for(out: TextIO, environment: Mapping[str, str]) -> str:
    """What suits where the lines go: journald if it is that, a console at a terminal, else JSON."""
    stream = environment.get("JOURNAL_STREAM", "")
    try:
        state = os.fstat(out.fileno())
    except (OSError, ValueError):
        return "json"
    if stream == f"{state.st_dev}:{state.st_ino}":
        return "journald"
    return "console" if out.isatty() else "json"


def _for_journald(_: Any, __: str, event: Event) -> str:
    """One line with its priority; journald has the time."""
    fields = {name: value for name, value in event.items() if name not in ("utc", "level", "event", "part")}
    more = "".join(f" {name}={value}" for name, value in fields.items())
    line = UNSEEN.sub(" ", f"{event.get('part', '')}: {event.get('event', '')}{more}".replace("\n", " | "))
    return f"<{PRIORITIES.get(event['level'], 6)}>{line}"


class _Forwarding(logging.Handler):
    """Takes the records of the standard library's loggers."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        named = record.levelname.lower()
        method = named if named in LEVELS else "error" if record.levelno > logging.ERROR else "info"
        fault = {} if record.exc_info is None else {"exc_info": record.exc_info}
        getattr(self._log.about(record.name), method)(record.getMessage(), **fault)
