"""Whether a line can be served as its file says: address, certificate, store, disk, clock, secrets, broker."""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import shutil
import socket
import sqlite3
import ssl
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from controller.config import LineConfig
from controller.devices.checks import Check, State, broken, ok, unchecked
from controller.line_secrets import Secret, SecretUnusable
from controller.service_config import MqttConfig, ServiceConfig, StoreConfig, WebConfig

FREE_AT_LEAST = 2_000_000_000
"""Bytes that the store's disk has to have left: weeks of a journal, hours of trends (engineering judgement)."""
CONNECT_S = 5.0
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
MQTT_PORT, MQTTS_PORT = 1883, 8883


async def serving_checks(config: LineConfig, now: datetime, holder: str | None) -> AsyncIterator[Check]:
    """Every check of how a line is served; `holder` is who works with the line now, None for nobody."""
    served = config.service
    if config.file is not None:
        yield _line_file(config.file)
    yield _address(served.service, holder)
    yield _certificate(served.service, now)
    unusable = set[str]()
    for secret in _secrets(served):
        yield (check := _secret(secret))
        unusable |= {secret.name} if check.state is State.BROKEN else set()
    if "store.password" in unusable:
        yield unchecked("store", "first see to: store.password")
    else:
        for check in _store(served.store, now):
            yield check
    yield _disk(served.store.file.parent if served.store.file is not None else served.store.folder)
    yield _clock()
    if served.mqtt is not None:
        wants = "mqtt.password" in unusable
        yield unchecked("broker", "first see to: mqtt.password") if wants else await _broker(served.mqtt)


def _secrets(served: ServiceConfig) -> Iterator[Secret]:
    oidc = served.people.oidc
    for secret in (
        served.store.password,
        None if served.mqtt is None else served.mqtt.password,
        None if oidc is None else oidc.client_secret,
    ):
        if secret is not None:
            yield secret


def _line_file(file: Path) -> Check:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & stat.S_IWOTH:
        return broken("line file", f"anybody may change it (mode {mode:04o})", f"chmod o-w {file}", "file")
    folder = file.resolve().parent
    if not os.access(folder, os.W_OK):
        return broken(
            "line file", f"{folder}: the lock beside it cannot be written", "let the service's user write there", "file"
        )
    return ok("line file", f"mode {mode:04o}; the lock beside it can be written")


def _address(web: WebConfig, holder: str | None) -> Check:
    where = f"{web.host} port {web.port}"
    from controller.accounts.listening import is_loopback

    if not is_loopback(web.host) and web.certificate is None:
        mend = "give service.certificate and service.key, or listen on 127.0.0.1"
        return broken("address", f"{where} is reached from other computers, and there is no TLS", mend, "file")
    if holder is not None:
        return unchecked("address", f"{where}; {holder}")
    try:
        found = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(found[0][4])
    except OSError as error:
        why = error.strerror or str(error)
        return broken("address", f"{where}: {why}", "end the program that has it, or change [service]", "file")
    return ok("address", f"{where} is free")


def _certificate(web: WebConfig, now: datetime) -> Check:
    if web.certificate is None or web.key is None:
        return unchecked("certificate", "no TLS; only this computer reaches the pages")
    from controller.accounts.tls import TlsUnusable, load_tls

    try:
        files = load_tls(web.certificate, web.key, now)
    except TlsUnusable as error:
        return broken("certificate", str(error), "put the right files there, then `pressline reload`", "file")
    left = (files.ends - now).days
    if files.ends_soon(now):
        mend = "renew it, then `pressline reload`"
        return broken("certificate", f"{web.certificate}: ends {files.ends:%Y-%m-%d}, in {left} days", mend, "file")
    return ok("certificate", f"{web.certificate}: for {', '.join(files.names) or 'no name'}; {left} days left")


def _store(store: StoreConfig, now: datetime) -> Iterator[Check]:
    if (file := store.file) is None:
        yield _server(store)
        return
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        yield broken(
            "store", f"{file.parent}: no folder that can be written", "make it, for the service's user", "file"
        )
        return
    if not file.exists():
        yield unchecked("store", f"{file}: not there yet; the first start makes it")
        return
    if (mode := stat.S_IMODE(file.stat().st_mode)) & stat.S_IRWXO:
        yield broken("store", f"{file}: others may use it (mode {mode:04o})", f"chmod o= {file}", "file")
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=CONNECT_S)) as database:
            row = database.execute("SELECT sequence, utc FROM events ORDER BY sequence DESC LIMIT 1").fetchone()
    except sqlite3.Error as error:
        yield broken("store", f"{file}: {error}", "`pressline verify` says what of it can be read", "file")
        return
    if row is None:
        yield ok("store", f"{file}: no record yet")
        return
    if (last := _utc(row[1])) is not None and last > now:
        mend = "set the computer's clock; records that go back in time prove less"
        yield broken(
            "store", f"{file}: its last record is of {row[1]}, after now; was the clock set back?", mend, "file"
        )
        return
    yield ok("store", f"{file}: {row[0]} records, the last of {row[1]}; `pressline verify` checks their chain")


def _server(store: StoreConfig) -> Check:
    from sqlalchemy import text

    from controller.database import DatabaseUnusable, open_database

    try:
        database = open_database(store.whole_url(), [])
    except (DatabaseUnusable, SecretUnusable) as error:
        mend = "look at [store], at the server, and at what it lets this computer do"
        return broken("store", str(error), mend, "link")
    try:
        version = database.run_now(lambda connection: connection.execute(text("SHOW server_version")).scalar_one())
    except DatabaseUnusable as error:
        return broken("store", str(error), "look at the server's log", "link")
    finally:
        database.close()
    return ok("store", f"{store.url} answers, PostgreSQL {version}")


def _disk(folder: Path) -> Check:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return broken("disk", f"{folder}: {error.strerror}", "make the folder", "file")
    words = f"{folder.absolute()}: {free / 1e9:.1f} GB free"
    if free < FREE_AT_LEAST:
        return broken("disk", words, f"make room; {FREE_AT_LEAST / 1e9:.0f} GB at least", "file")
    return ok("disk", words)


def _clock() -> Check:
    """Whether the kernel knows the clock as synchronised; to read that needs no right."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(1024))
    except (AttributeError, OSError):
        return unchecked("clock", "this system does not say whether it is synchronised")
    if state < 0:
        return unchecked("clock", "the kernel does not say whether it is synchronised")
    if state == TIME_ERROR:
        words = (
            "not synchronised, or nobody tells the kernel; records carry this computer's time (NTP: chrony, timesyncd)"
        )
        return unchecked("clock", words)
    return ok("clock", "synchronised")


def _secret(secret: Secret) -> Check:
    try:
        secret.read()
    except SecretUnusable as error:
        return broken("secret", str(error), "see docs/reference/line-file.md, How the line is served", "file")
    return ok("secret", f"{secret.name} can be read, by its owner only" if secret.file else f"{secret.name} is there")


async def _broker(mqtt: MqttConfig) -> Check:
    """Connects once, under a name of its own, so that a service that is connected stays so."""
    import aiomqtt

    parts = urlsplit(mqtt.url)
    port = parts.port or (MQTTS_PORT if parts.scheme == "mqtts" else MQTT_PORT)
    version = aiomqtt.ProtocolVersion.V5 if mqtt.version == "5" else aiomqtt.ProtocolVersion.V311
    try:
        context = tls_context(mqtt) if parts.scheme == "mqtts" else None
        password = None if mqtt.password is None else mqtt.password.read()
        async with asyncio.timeout(CONNECT_S):
            async with aiomqtt.Client(
                parts.hostname or "",
                port,
                identifier=f"pressline-doctor-{secrets.token_hex(4)}",
                protocol=version,
                username=mqtt.user,
                password=password,
                tls_context=context,
                timeout=CONNECT_S,
            ):
                pass
    except (SecretUnusable, OSError, ssl.SSLError) as error:
        return broken("broker", f"{mqtt.url}: {error}", "look at [mqtt] and at the files that it names", "file")
    except (aiomqtt.MqttError, TimeoutError) as error:
        why = str(error) or f"no answer within {CONNECT_S:g} s"
        mend = "look at [mqtt], at the broker's log, and at the network; the line works without it"
        return broken("broker", f"{mqtt.url}: {why}", mend, "link")
    return ok("broker", f"{mqtt.url} takes us, MQTT {mqtt.version}")


def tls_context(mqtt: MqttConfig) -> ssl.SSLContext:
    """For the broker. Raises OSError or ssl.SSLError for files that cannot be used."""
    context = ssl.create_default_context(cafile=None if mqtt.ca is None else str(mqtt.ca))
    if mqtt.certificate is not None and mqtt.key is not None:
        context.load_cert_chain(mqtt.certificate, mqtt.key)
    return context


def _utc(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None
