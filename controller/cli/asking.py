"""Words with a running service over its API: one question or command at a time, with a program's token.

AskFailed     the service said no, or does not answer; `code` is what the command ends with
"""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from controller.cli.exit_codes import ExitCode

WITHIN_S = 60.0
"""Wall seconds: longer than the service takes for any answer but a file (controller/api/limits.py)."""
FILE_WITHIN_S = 600.0
URL, TOKEN, TOKEN_FILE = "PRESSLINE_URL", "PRESSLINE_TOKEN", "PRESSLINE_TOKEN_FILE"
UNUSABLE = (400, 413, 415, 422)


class AskFailed(Exception):
    """What was asked for was not answered. The message is for a person; the same may work later where code is 3."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks which service. The token stands in no message."""

    url: str
    token: str = field(repr=False)
    context: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str | None, token_file: Path | None, ca: Path | None) -> Asker:
        """From options, and from the environment where they are not given. Raises AskFailed."""
        address = url or os.environ.get(URL, "")
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            why = f"{address!r} is no address" if address else "no address is given"
            raise AskFailed(f"{why}; expected --url (or {URL}) such as http://127.0.0.1:8540", ExitCode.UNUSABLE)
        context = None
        if parts.scheme == "https":
            try:
                context = ssl.create_default_context(cafile=None if ca is None else str(ca))
            except OSError as error:
                raise AskFailed(f"{ca}: no certificate can be read there ({error})", ExitCode.UNUSABLE) from None
        return cls(address.rstrip("/"), _token(token_file), context)

    def get(self, path: str, **query: Any) -> Any:
        """An answer as plain data. Raises AskFailed."""
        return json.loads(self.file(path, **query))

    def file(self, path: str, **query: Any) -> bytes:
        """An answer as it is. Raises AskFailed."""
        given = {name: value for name, value in query.items() if value is not None}
        more = f"?{urlencode(given)}" if given else ""
        return self._asked("GET", f"{path}{more}", None, FILE_WITHIN_S if "form" in given else WITHIN_S)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What a command was answered; each has a key of its own. Raises AskFailed."""
        answer = self._asked("POST", path, body, WITHIN_S)
        return json.loads(answer) if answer else None

    def _asked(self, method: str, path: str, body: dict[str, Any] | None, within_s: float) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "*/*"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)  # noqa: S310  http(s)
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context), _NoRedirect()]
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=within_s) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise _refused(error) from None
        except (OSError, ValueError) as error:
            words = f"{self.url} does not answer: {getattr(error, 'reason', error)}"
            done = "; nobody knows whether it was done: look first" if method == "POST" else ""
            raise AskFailed(words + done, ExitCode.UNREACHABLE) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes where it was meant to go and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _token(file: Path | None) -> str:
    if file is None and (token := os.environ.get(TOKEN, "").strip()):
        return token
    if file is None and (named := os.environ.get(TOKEN_FILE)):
        file = Path(named)
    if file is None:
        words = f"no token is given; expected --token-file FILE, or {TOKEN_FILE} or {TOKEN} in the environment"
        raise AskFailed(f"{words} (`pressline tokens add` makes one)", ExitCode.UNUSABLE)
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AskFailed(f"{file}: no token can be read there ({error})", ExitCode.UNUSABLE) from None
    if not text or not text.isprintable() or " " in text:
        raise AskFailed(f"{file}: holds no token", ExitCode.UNUSABLE)
    return text


def _refused(error: urllib.error.HTTPError) -> AskFailed:
    """A problem in words, with where each fault is."""
    try:
        problem = json.loads(error.read())
        words = [str(problem["detail"])]
    except (ValueError, KeyError, TypeError):
        return AskFailed(f"the answer {error.code} is none of pressline's", ExitCode.UNREACHABLE)
    for finding in problem.get("findings", ()):
        place = finding.get("place", {})
        where = place.get("pointer") or ":".join(str(place[at]) for at in ("file", "line", "column") if at in place)
        words.append(f"  {where + ': ' if where else ''}{finding['message']}")
    if (now := problem.get("present")) is not None:
        words.append(f"  it is {now['state']} now; look at it, then say it again")
    return AskFailed("\n".join(words), ExitCode.UNUSABLE if error.code in UNUSABLE else ExitCode.REFUSED)


def part(name: str) -> str:
    """A name as one part of an address."""
    return quote(name, safe="")
