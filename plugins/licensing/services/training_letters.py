"""Letters about group trainings."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local
from core.i18n import _
from plugins.licensing.models import Training


def training_letter(
    session: Session, letter: str, session_id: UUID, address: str
) -> tuple[str, list[str]] | None:
    """You come to a training; it moved; it was called off. None when a later letter tells more."""
    row = session.scalars(select(Training).where(Training.session_id == session_id)).one_or_none()
    if row is None or row.is_cancelled != (letter == "training_off"):
        return None
    when = f"{to_local(row.starts_at):%d/%m/%Y %H:%M}"
    help_page = _("Help and tutorials: %(url)s", url=f"{address}/licence/help")
    if letter == "training_off":
        subject = _("The training of %(when)s was called off", when=when)
        return subject, [_("«%(topic)s» does not take place.", topic=row.topic), help_page]
    what = [
        _("«%(topic)s», %(minutes)s minutes.", topic=row.topic, minutes=row.minutes),
        _("Where: %(place)s", place=row.place),
        _("If you cannot come, say so on the page of help."),
        help_page,
    ]
    if letter == "training":
        return _("Your training on %(when)s", when=when), what
    return _("Your training now takes place on %(when)s", when=when), what
