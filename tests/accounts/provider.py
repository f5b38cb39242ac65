"""An OpenID provider on loopback, which can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT = "pressline-line-1"
RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())


def public(key: Any, algorithm: str, key_id: str) -> dict[str, Any]:
    """A key as providers publish it."""
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": key_id, "use": "sig", "alg": algorithm}


class LoopbackProvider:
    """claims, key and so on are what it says next; asked counts requests by path."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        self.keys = [public(RSA, "RS256", "one"), {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}]
        self.now = 0
        self.changes: dict[str, Any] = {}
        self.key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = RSA
        self.algorithm, self.key_id = "RS256", "one"
        self.raw: str | None = None
        self.status = 200
        self.asked: list[str] = []
        self._codes: dict[str, tuple[str, str]] = {}

    def agrees(self, url: str) -> tuple[str, str]:
        """Somebody signs in on its page: the code and the state that their browser brings back."""
        parts = urlsplit(url)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        assert (parts.path, asked["response_type"], asked["code_challenge_method"]) == ("/authorize", "code", "S256")
        code = f"code-{len(self._codes)}"
        self._codes[code] = (asked["nonce"], asked["code_challenge"])
        return code, asked["state"]

    def redeem(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        nonce, challenge = self._codes.pop(form.get("code", ""), ("", ""))
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() != challenge or form.get("client_id") != CLIENT:
            return 400, {"error": "invalid_grant"}
        times = {"iat": self.now, "exp": self.now + 300}
        person = {"sub": "s-1", "preferred_username": "ann", "groups": ["line-1-engineers"]}
        claims = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, **times, **person, **self.changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.raw or jwt.encode(claims, self.key, self.algorithm, {"kid": self.key_id})
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}


@contextmanager
def provider() -> Iterator[LoopbackProvider]:
    """A provider as long as the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append(self.path)
            answers = {"/.well-known/openid-configuration": told.metadata, "/keys": {"keys": told.keys}}
            self._answer(told.status, answers[self.path])

        def do_POST(self) -> None:
            told.asked.append(self.path)
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*told.redeem({key: values[0] for key, values in parse_qs(text).items()}))

        def _answer(self, status: int, data: Any) -> None:
            content = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        told = LoopbackProvider(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
