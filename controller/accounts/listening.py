"""Where the service may listen: beyond this computer only with TLS, and only where somebody has to sign in.

ListeningRefused     a setting of the line file that is refused; the message says what would do
"""

from __future__ import annotations

import ipaddress
import socket


class ListeningRefused(Exception):
    """An address is not listened on as things are. Retryable with TLS and users, or on this computer only."""


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches what listens there; a name counts by every address that it has here."""
    try:
        addresses = [host] if _is_address(host) else _addresses(host)
    except OSError:
        return False
    found = [ipaddress.ip_address(address.split("%", 1)[0]) for address in addresses]
    mapped = [getattr(address, "ipv4_mapped", None) or address for address in found]
    return bool(mapped) and all(address.is_loopback for address in mapped)


def listening_allowed(host: str, *, tls: bool, has_users: bool) -> None:
    """Raises ListeningRefused unless it is safe to listen at this address, which stands as `service.host`.

    Without TLS, passwords would cross the network for everybody to read; without users, whoever comes first would be
    the administrator.
    """
    if is_loopback(host):
        return
    missing = []
    if not tls:
        missing.append("service.certificate and service.key (TLS) are missing")
    if not has_users:
        words = "nobody can sign in yet; use the one-time way in on this computer first, or `pressline users add`"
        missing.append(words)
    if missing:
        where = repr(host) if host else "every address"
        raise ListeningRefused(f"{where} is reached from other computers, and {' and '.join(missing)}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        return False
    return True


def _addresses(host: str) -> list[str]:
    """What a name stands for here; an empty one stands for every address."""
    if not host:
        return ["0.0.0.0"]  # noqa: S104  named, not listened on
    try:
        return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except UnicodeError:
        return []
