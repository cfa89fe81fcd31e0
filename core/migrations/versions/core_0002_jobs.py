"""The tables and functions of the job engine, in a schema of their own.

Revision ID: core_0002
Revises: core_0001
"""

from __future__ import annotations

import hashlib

from alembic import op
from procrastinate.schema import SchemaManager

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

PINNED = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"  # of procrastinate 3.10's schema.sql


def upgrade() -> None:
    schema = SchemaManager.get_schema()
    found = hashlib.sha256(schema.encode()).hexdigest()
    if found != PINNED:
        raise RuntimeError("procrastinate's schema changed: write a core revision for it")
    op.execute("CREATE SCHEMA IF NOT EXISTS procrastinate")
    op.execute("SET LOCAL search_path TO procrastinate")
    op.get_bind().connection.driver_connection.execute(schema)
    op.execute("SET LOCAL search_path TO public")


def downgrade() -> None:
    op.execute("DROP SCHEMA procrastinate CASCADE")
