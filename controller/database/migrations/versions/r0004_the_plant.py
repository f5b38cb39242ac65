"""the plant's copy of lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward; nothing goes back but a backup."""
    op.create_table(
        "plant_lines",
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("blocks", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("lost_blocks", sa.BigInteger(), nullable=False),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_plant_lines")),
    )
    op.create_table(
        "plant_records",
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("time_s", sa.Float(precision=53), nullable=False),
        sa.Column("utc", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("line", "sequence", name=op.f("pk_plant_records")),
    )
    with op.batch_alter_table("plant_records", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plant_records_line_run"), ["line", "run"], unique=False)
        batch_op.create_index(batch_op.f("ix_plant_records_line_kind_utc"), ["line", "kind", "utc"], unique=False)
    op.create_index(op.f("ix_trend_blocks_number"), "trend_blocks", ["number"], unique=False)
