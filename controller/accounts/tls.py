"""The certificate and the key that the service shows to browsers and programs, from files of the plant.

TlsUnusable     a file that cannot be used; the message names it and says what would do
"""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

SHORTEST_RSA_BITS = 2048  # NIST SP 800-57 part 1, table 2: 112 bits of strength
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; forward secret and authenticated, as RFC 9325, section 4.2, recommends. TLS 1.3 has no others."""
SOON = timedelta(days=30)
OTHERS = stat.S_IWGRP | stat.S_IRWXO  # a group may read a key, as Debian's ssl-cert does


class TlsUnusable(Exception):
    """A certificate or a key cannot be used. Retryable when the file that the message names is mended."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate (its chain behind it) with the key that fits to it. names: what it may be called by; ends: UTC."""

    certificate: Path
    key: Path
    names: tuple[str, ...]
    ends: datetime

    def ends_soon(self, now: datetime) -> bool:
        """Whether it has to be renewed within 30 days."""
        return self.ends - now < SOON

    def context(self) -> ssl.SSLContext:
        """For a server: TLS 1.2 or newer. Raises TlsUnusable."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.options |= ssl.OP_NO_RENEGOTIATION
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise TlsUnusable(f"{self.certificate}: cannot be used with {self.key} ({error})") from error
        return context


def load_tls(certificate: Path, key: Path, now: datetime) -> TlsFiles:
    """The files, checked: readable, the key nobody else's, fitting, strong enough, valid now.

    now is UTC. Raises TlsUnusable.
    """
    chain = _chain(certificate)
    private = _key(key)
    first = chain[0]
    if _public(first.public_key()) != _public(private.public_key()):
        others = any(_public(each.public_key()) == _public(private.public_key()) for each in chain[1:])
        hint = "; the service's own certificate must be the first of the file" if others else ""
        raise TlsUnusable(f"{key}: does not fit to the certificate {certificate}{hint}")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < SHORTEST_RSA_BITS:
        raise TlsUnusable(f"{key}: an RSA key of {private.key_size} bits is too weak; {SHORTEST_RSA_BITS} at least")
    for each in chain:
        _check_time(certificate, each, now)
    files = TlsFiles(certificate, key, _names(first), min(each.not_valid_after_utc for each in chain))
    files.context()
    return files


def _chain(file: Path) -> list[x509.Certificate]:
    content = _read(file, "the certificate")
    if b"PRIVATE KEY" in content:
        raise TlsUnusable(f"{file}: holds a private key; certificates and the key are in files of their own")
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise TlsUnusable(f"{file}: holds no certificate in PEM form ({_first_line(error)})") from error


def _key(file: Path) -> PrivateKeyTypes:
    content = _read(file, "the key")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & OTHERS:
        raise TlsUnusable(f"{file}: others may get at this key (mode {mode:04o}); `chmod 600 {file}`")
    try:
        private = load_pem_private_key(content, None)
    except TypeError as error:
        words = "is locked by a password, which nobody could type when the service starts by itself"
        raise TlsUnusable(f"{file}: {words}; keep an open key that only the service may read") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TlsUnusable(f"{file}: holds no private key in PEM form ({_first_line(error)})") from error
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TlsUnusable(f"{file}: browsers take RSA and elliptic curve keys; this is another kind")
    return private


def _read(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TlsUnusable(f"{file}: {what} cannot be read ({error.strerror})") from error


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]  # every kind of key has it


def _check_time(file: Path, certificate: x509.Certificate, now: datetime) -> None:
    whose = certificate.subject.rfc4514_string() or "a certificate"
    if now >= certificate.not_valid_after_utc:
        raise TlsUnusable(f"{file}: {whose} ended {certificate.not_valid_after_utc.isoformat()}; renew it")
    if now < certificate.not_valid_before_utc:
        begins = certificate.not_valid_before_utc.isoformat()
        raise TlsUnusable(f"{file}: {whose} begins to count {begins}; is the computer's clock right?")


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = found.get_values_for_type(x509.DNSName)
    return (*names, *(str(address) for address in found.get_values_for_type(x509.IPAddress)))


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else "unreadable"
