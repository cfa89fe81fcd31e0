"""Statistics of tables that have just got their first rows, for the run-time login.

A planner that knows nothing of a table may check its foreign keys by an index that begins with the
tenant, and read all the tenant's rows for each. Only the owner may ANALYZE (PostgreSQL 15, 16), so the
function is the owner's. It does nothing for a table that was analysed before, and waits for nobody: what
it leaves undone autovacuum does within a minute.

Revision ID: core_0003
Revises: core_0002
"""

from __future__ import annotations

from alembic import op

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None

GATHER = """
CREATE FUNCTION core_gather_statistics(wanted regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE oid = wanted AND reltuples <= 0 AND relnamespace = 'public'::regnamespace)
        AND pg_try_advisory_xact_lock(hashtextextended('core_gather_statistics/' || wanted::text, 0))
    THEN
        EXECUTE format('ANALYZE %s', wanted);
    END IF;
EXCEPTION WHEN lock_not_available THEN
    NULL;
END $$
"""


def upgrade() -> None:
    op.execute(GATHER)
    op.execute("REVOKE ALL ON FUNCTION core_gather_statistics(regclass) FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION core_gather_statistics(regclass)")
