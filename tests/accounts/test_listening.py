"""Where may be listened, and with which certificate: everything else is refused with what would do."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from controller.accounts.listening import ListeningRefused, is_loopback, listening_allowed
from controller.accounts.tls import TlsUnusable, load_tls

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
def test_this_computer_alone_needs_nothing(host: str) -> None:
    assert is_loopback(host)
    listening_allowed(host, tls=False, has_users=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "fe80::1%eth0", "no.such.name.invalid"])  # noqa: S104
def test_beyond_it_tls_and_users_are_needed(host: str) -> None:
    assert not is_loopback(host)
    listening_allowed(host, tls=True, has_users=True)
    for tls, has_users, words in [
        (False, True, "TLS"),
        (True, False, "nobody can sign in yet"),
        (False, False, "TLS.* and nobody can"),
    ]:
        with pytest.raises(ListeningRefused, match=words):
            listening_allowed(host, tls=tls, has_users=has_users)


def made(
    folder: Path, key: Key | None = None, begins: datetime = NOW - timedelta(days=1), days: float = 90, name: str = "a"
) -> tuple[Path, Path]:
    own: Key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "press.example")])
    names = x509.SubjectAlternativeName([x509.DNSName("press.example"), x509.IPAddress(ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(names, critical=False)
        .sign(own, None if isinstance(own, ed25519.Ed25519PrivateKey) else SHA256())
    )
    certificate, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(built.public_bytes(Encoding.PEM))
    key_file.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key_file.chmod(0o600)
    return certificate, key_file


def test_files_that_fit_are_loaded_and_browsers_can_connect(tmp_path: Path) -> None:
    certificate, key = made(tmp_path)
    key.chmod(0o640)  # a group may read, as Debian's ssl-cert
    files = load_tls(certificate, key, NOW)
    assert files.names == ("press.example", "127.0.0.1")
    assert files.ends == NOW + timedelta(days=89)
    assert not files.ends_soon(NOW)
    assert files.ends_soon(NOW + timedelta(days=60))


def test_a_client_that_trusts_the_certificate_gets_an_answer_and_old_tls_none(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    certificate, key = made(tmp_path, begins=now - timedelta(days=1))
    context = load_tls(certificate, key, now).context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        client = ssl.create_default_context(cafile=str(certificate))
        with (
            socket.create_connection(("127.0.0.1", server.server_port)) as plain,
            client.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
        ):
            assert wrapped.version() in ("TLSv1.2", "TLSv1.3")
        thread.join(5)


def twisted(folder: Path, how: str) -> tuple[Path, Path]:
    """Files with one thing wrong."""
    certificate, key = made(folder)
    other, other_key = made(folder, name="b")
    match how:
        case "no certificate":
            certificate.unlink()
        case "a folder":
            key = folder
        case "no PEM":
            certificate.write_text("hello")
        case "key in it":
            certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
        case "another's key":
            key = other_key
        case "wrong order":
            certificate.write_bytes(other.read_bytes() + certificate.read_bytes())
        case "open to all":
            key.chmod(0o644)
        case "group writes":
            key.chmod(0o660)
        case "no key":
            key.write_text("nothing")
            key.chmod(0o600)
        case "locked":
            own = ec.generate_private_key(ec.SECP256R1())
            key.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
        case "ended":
            return made(folder, begins=NOW - timedelta(days=100))
        case "not yet":
            return made(folder, begins=NOW + timedelta(hours=1))
        case "weak":
            return made(folder, rsa.generate_private_key(65537, 1024))  # noqa: S505  that is the point
        case "ed25519":
            return made(folder, ed25519.Ed25519PrivateKey.generate())
    return certificate, key


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no certificate", r"a\.crt: the certificate cannot be read \(No such file"),
        ("a folder", r"the key cannot be read \(Is a directory"),
        ("no PEM", r"a\.crt: holds no certificate in PEM form"),
        ("key in it", r"a\.crt: holds a private key"),
        ("another's key", r"b\.key: does not fit to the certificate .*a\.crt$"),
        ("wrong order", r"a\.key: does not fit .* must be the first of the file"),
        ("open to all", r"a\.key: others may get at this key \(mode 0644\); `chmod 600"),
        ("group writes", r"mode 0660"),
        ("no key", r"a\.key: holds no private key in PEM form"),
        ("locked", r"a\.key: is locked by a password"),
        ("ended", r"a\.crt: CN=press\.example ended 2026-02-19T00:00:00\+00:00; renew it"),
        ("not yet", r"begins to count .* is the computer's clock right"),
        ("weak", r"an RSA key of 1024 bits is too weak"),
        ("ed25519", r"this is another kind"),
    ],
)
def test_files_that_cannot_be_used_are_named_with_what_is_wrong(tmp_path: Path, how: str, words: str) -> None:
    certificate, key = twisted(tmp_path, how)
    with pytest.raises(TlsUnusable, match=words):
        load_tls(certificate, key, NOW)
