"""Notes.

Revision ID: testplugin_0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.db.types

revision = "testplugin_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tplug_note",
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", core.db.types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["core_tenant.id"], name="fk_tplug_note_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tplug_note"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_tplug_note_tenant_id_id"),
    )
    op.fence_table("tplug_note", scope="tenant")


def downgrade() -> None:
    op.drop_table("tplug_note")
