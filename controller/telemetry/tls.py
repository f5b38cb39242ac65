"""What a broker's certificate is checked with."""

from __future__ import annotations

import ssl
from typing import Any

from controller.telemetry.settings import Tls


class TlsContext(ssl.SSLContext):
    """Closes the socket whose handshake failed, which paho leaves open."""

    made: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        self.made = super().wrap_socket(*args, **kwargs)
        return self.made

    def close(self) -> None:
        """After a connection that was never made."""
        if self.made is not None:
            self.made.close()


def tls_context(tls: Tls) -> TlsContext:
    """What a broker's certificate is checked with, its name included. Raises OSError for files that cannot be used."""
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.authority is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(tls.authority)
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context
