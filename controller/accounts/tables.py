"""The tables of people and rights. Times are UTC in microseconds since 1970; of every secret only a hash is kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from controller.database import metadata

accounts_state = Table(
    "accounts_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),  # counts changes of users and tokens, as the audit does
    Column("latest_us", BigInteger, nullable=False),  # no later start goes back behind it
)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),  # never given twice: a user is disabled, not removed
    Column("role", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("password", String(255)),  # argon2id in its own text form; none before the first way in, or with OpenID
    Column("openid", String(600)),  # issuer and subject, of who comes by OpenID Connect
    Column("made_us", BigInteger, nullable=False),
    Column("password_us", BigInteger),
    UniqueConstraint("openid"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.name"), nullable=False, index=True),
    Column("means", String(80), nullable=False),
    Column("address", String(64), nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("used_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),  # the part of a token that may be shown
    Column("sha256", String(64), nullable=False),
    Column("user", String(64), ForeignKey("users.name"), nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
)

token_uses = Table(  # apart from the tokens, because the audit vouches for those and not for every use
    "token_uses",
    metadata,
    Column("id", String(16), ForeignKey("tokens.id"), primary_key=True),
    Column("used_us", BigInteger, nullable=False),
    Column("address", String(64), nullable=False),
)

ways_in = Table(
    "ways_in",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.name"), nullable=False, index=True),
    Column("ends_us", BigInteger, nullable=False),
)

tries = Table(
    "sign_in_tries",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
)

places = Table(
    "sign_in_places",
    metadata,
    Column("user", String(64), ForeignKey("users.name"), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("last_us", BigInteger, nullable=False),
)

signature_requests = Table(
    "signature_requests",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("action", String(40), nullable=False),
    Column("object", String(300), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("meaning", String(300), nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("first", String(64), ForeignKey("users.name"), nullable=False),
    Column("first_role", String(16), nullable=False),
    Column("first_means", String(80), nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("second", String(64), ForeignKey("users.name")),
    Column("second_role", String(16)),
    Column("signed_us", BigInteger),
    Column("over", String(16)),  # used or withdrawn
    Index(None, "ends_us"),
)

openid_starts = Table(
    "openid_starts",
    metadata,
    Column("state", String(64), primary_key=True),  # hashes, as of every secret; the verifier is one that must be sent
    Column("browser", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("ends_us", BigInteger, nullable=False),
)

TABLES = (
    accounts_state,
    users,
    sessions,
    tokens,
    token_uses,
    ways_in,
    tries,
    places,
    signature_requests,
    openid_starts,
)
