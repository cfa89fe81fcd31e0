"""One table."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args


class Note(TenantMixin, Base):
    """Something that happened."""

    __tablename__ = "tplug_note"
    __table_args__ = (*tenant_args(),)

    words: Mapped[str] = mapped_column(String(200))
