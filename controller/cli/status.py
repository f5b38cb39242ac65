"""`pressline status` and `pressline reload`: words with a service that works."""

from __future__ import annotations

import json
import os
import signal
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from controller.cli.exit_codes import ExitCode
from controller.config import ConfigError, load_line
from controller.line_lock import LineLock
from controller.service_config import WebConfig

WITHIN_S = 4.0
"""Wall seconds: less than a container's health check waits (packaging/Containerfile)."""
TOKEN = "PRESSLINE_TOKEN"  # noqa: S105  the name of a variable
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where a service that listens everywhere is asked


def ask_status(line: Path | None, url: str | None, *, alive: bool, as_json: bool) -> ExitCode:
    """Asks a service whether it is ready, or only whether it answers."""
    if (line is None) == (url is None):
        print("pressline status: give either --line FILE or --url", file=sys.stderr)
        return ExitCode.UNUSABLE
    context: ssl.SSLContext | None = None
    try:
        if line is not None:
            url, context = _where(load_line(line).service.service)
    except (ConfigError, OSError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    if url is None or urlsplit(url).scheme not in ("http", "https"):
        print(f"pressline status: {url!r} is no address such as http://127.0.0.1:8540", file=sys.stderr)
        return ExitCode.UNUSABLE
    try:
        found = _asked(f"{url.rstrip('/')}/health/{'live' if alive else 'ready'}", context)
    except (OSError, ValueError) as error:
        words = f"{url} does not answer: {getattr(error, 'reason', error)}"
        print(json.dumps({"url": url, "ready": False, "reasons": [words]}) if as_json else words)
        return ExitCode.UNREACHABLE
    return _told(url, found, alive=alive, as_json=as_json)


def _told(url: str, found: dict[str, Any], *, alive: bool, as_json: bool) -> ExitCode:
    ready = alive or bool(found.get("ready"))
    reasons = found.get("reasons") or ([] if ready else [f"why is in its log; it is told here with a token in {TOKEN}"])
    if as_json:
        print(json.dumps({"url": url, "ready": ready, "reasons": reasons}))
    else:
        print(f"{url} {'answers' if alive else 'is ready' if ready else 'is not ready'}")
        for reason in reasons:
            print(f"  {reason}")
    return ExitCode.PASSED if ready else ExitCode.REFUSED


def _where(web: WebConfig) -> tuple[str, ssl.SSLContext | None]:
    """Where a service is asked on its own computer; its own certificate is the one that is trusted."""
    host = EVERYWHERE.get(web.host, web.host)
    place = f"[{host}]:{web.port}" if ":" in host else f"{host}:{web.port}"
    if web.certificate is None:
        return f"http://{place}", None
    context = ssl.create_default_context(cafile=str(web.certificate))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False  # asked by address; that it is this very certificate is what is checked
    return f"https://{place}", context


def _asked(url: str, context: ssl.SSLContext | None) -> dict[str, Any]:
    direct = urllib.request.ProxyHandler({})
    opener = urllib.request.build_opener(direct, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(_request(url), timeout=WITHIN_S) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("what answers there is no pressline")  # noqa: TRY004  for whoever asked, an answer
    return found


def _request(url: str) -> urllib.request.Request:
    """Why a service is not ready it tells to who shows a token."""
    request = urllib.request.Request(url)  # noqa: S310  http and https only, as looked at above
    token = os.environ.get(TOKEN, "").strip()
    if token and token.isascii() and token.isprintable():
        request.add_unredirected_header("Authorization", f"Bearer {token}")  # nobody else is shown it
    return request


def ask_reload(line: Path) -> ExitCode:
    """Tells the service of a line file to read it again, if it can be read."""
    from controller.app import wire_line

    try:
        wire_line(load_line(line))  # its units need a restart, which has to come through when it comes
    except ConfigError as error:
        print(f"{error}\nnothing was changed", file=sys.stderr)
        return ExitCode.UNUSABLE
    found = LineLock(line).holder_command()
    if found is None or " up" not in found[1]:
        held = "no program works with this line" if found is None else f"process {found[0]} is no service ({found[1]})"
        print(f"{line}: {held}", file=sys.stderr)
        return ExitCode.REFUSED
    try:
        os.kill(found[0], signal.SIGHUP)
    except OSError as error:
        print(f"process {found[0]} cannot be told: {error.strerror}", file=sys.stderr)
        return ExitCode.REFUSED
    print(f"process {found[0]} reads {line} again; its log says what was taken over, and what needs a restart")
    return ExitCode.PASSED
