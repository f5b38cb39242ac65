"""people and rights."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward; nothing goes back but a backup."""
    op.create_table(
        "accounts_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("latest_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts_state")),
    )
    op.create_table(
        "openid_starts",
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_openid_starts")),
    )
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_tries")),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("openid", sa.String(length=600), nullable=True),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("password_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
        sa.UniqueConstraint("openid", name=op.f("uq_users_openid")),
    )
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("means", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_sessions_user")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_user"), ["user"], unique=False)

    op.create_table(
        "sign_in_places",
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_sign_in_places_user")),
        sa.PrimaryKeyConstraint("user", "address", name=op.f("pk_sign_in_places")),
    )
    op.create_table(
        "signature_requests",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("object", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("meaning", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("first", sa.String(length=64), nullable=False),
        sa.Column("first_role", sa.String(length=16), nullable=False),
        sa.Column("first_means", sa.String(length=80), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.Column("second", sa.String(length=64), nullable=True),
        sa.Column("second_role", sa.String(length=16), nullable=True),
        sa.Column("signed_us", sa.BigInteger(), nullable=True),
        sa.Column("over", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["first"], ["users.name"], name=op.f("fk_signature_requests_first")),
        sa.ForeignKeyConstraint(["second"], ["users.name"], name=op.f("fk_signature_requests_second")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_requests")),
    )
    with op.batch_alter_table("signature_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signature_requests_ends_us"), ["ends_us"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_tokens_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tokens_user"), ["user"], unique=False)

    op.create_table(
        "ways_in",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_ways_in_user")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_ways_in")),
    )
    with op.batch_alter_table("ways_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ways_in_user"), ["user"], unique=False)

    op.create_table(
        "token_uses",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("used_us", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["tokens.id"], name=op.f("fk_token_uses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_uses")),
    )
