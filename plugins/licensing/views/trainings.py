"""Group trainings: the calendar of who holds them, and the client who signs up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from core.adapters.clock import at_local, to_local
from core.errors import DomainError
from core.i18n import _
from core.web.context import Context
from core.web.typed import read_day, read_optional_whole, read_whole
from core.web.views import Pages, command, form, page
from plugins.licensing.models import Training
from plugins.licensing.services import trainings
from plugins.licensing.services.trainings import TrainingData


class TrainingPages(Pages):
    """The trainings that the operator or a distributor holds."""

    route_base = "/trainings"
    permission = "licensing.training"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """What is to come, with how many come, and what was."""
        return ctx.render(
            "licensing/trainings.html",
            upcoming=trainings.read_upcoming(ctx.session, now=ctx.now),
            past=trainings.read_past(ctx.session, now=ctx.now),
        )

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Set a training; the clients see it at once."""
        if ctx.submitted:
            row = trainings.set_training(ctx.session, _typed(ctx), now=ctx.now)
            ctx.flash(_("The training is set: your clients see it and can sign up."))
            return ctx.go("licensing.training.show", session_id=row.session_id)
        return ctx.render(
            "licensing/training_edit.html", row=None, day=ctx.today + timedelta(days=7)
        )

    @page("/<uuid:session_id>")
    def show(self, ctx: Context, session_id: UUID) -> Any:
        """One training and who comes."""
        row = _own(ctx, session_id)
        seats = trainings.read_seats(ctx.session, session_id)
        return ctx.render(
            "licensing/training.html",
            row=row,
            seats=seats,
            coming=sum(one.people for one in seats),
            is_over=row.starts_at <= ctx.now,
        )

    @form("/<uuid:session_id>/edit", action="write")
    def edit(self, ctx: Context, session_id: UUID) -> Any:
        """Another day, hour, topic or place; who was coming gets a mail."""
        row = _own(ctx, session_id)
        if ctx.submitted:
            trainings.set_training(ctx.session, _typed(ctx), session_id=session_id, now=ctx.now)
            ctx.flash(_("The training is changed; who was coming gets a mail."))
            return ctx.go("licensing.training.show", session_id=session_id)
        return ctx.render(
            "licensing/training_edit.html", row=row, day=to_local(row.starts_at).date()
        )

    @command("/<uuid:session_id>/call-off", action="write")
    def call_off(self, ctx: Context, session_id: UUID) -> Any:
        """It does not take place."""
        trainings.call_off(ctx.session, session_id, now=ctx.now)
        ctx.flash(_("The training is called off; who was coming gets a mail."))
        return ctx.go("licensing.training.show", session_id=session_id)


class LessonPages(Pages):
    """The client's side: a button on the page of help."""

    route_base = "/licence/trainings"
    blueprint = "licensing.lesson"
    permission = "licensing.licence"

    @command("/<uuid:session_id>/seat", action="attend")
    def take_seat(self, ctx: Context, session_id: UUID) -> Any:
        """We come, so many of us."""
        people = read_whole(ctx.form.get("people", "1"), "people", empty=1)
        row = trainings.take_seat(ctx.session, session_id, people, now=ctx.now)
        begins = f"{to_local(row.starts_at):%d/%m/%Y %H:%M}"
        ctx.flash(_("You are expected on %(when)s. A mail confirms it.", when=begins))
        return ctx.go("licensing.licence.help")

    @command("/<uuid:session_id>/leave", action="attend")
    def leave(self, ctx: Context, session_id: UUID) -> Any:
        """We do not come."""
        trainings.take_seat(ctx.session, session_id, 0, now=ctx.now)
        ctx.flash(_("Thank you for saying so: your place is free again."))
        return ctx.go("licensing.licence.help")


def _own(ctx: Context, session_id: UUID) -> Training:
    return trainings.find_training(ctx.session, session_id, host_id=ctx.tenant_id)


def _typed(ctx: Context) -> TrainingData:
    day: date = read_day(ctx.form.get("day", ""), "day")
    hour = ctx.form.get("hour", "").strip()
    parts = hour.split(":")[:2]
    if len(parts) != 2 or not all(
        one.isascii() and one.isdigit() and len(one) <= 2 for one in parts
    ):
        raise DomainError(_("Write the hour such as 15:00."), code="hour", field="hour")
    hours, minutes = int(parts[0]), int(parts[1])
    if hours > 23 or minutes > 59:
        raise DomainError(_("Write the hour such as 15:00."), code="hour", field="hour")
    return TrainingData(
        starts_at=at_local(day, hours, minutes),
        minutes=read_whole(ctx.form.get("minutes", ""), "minutes", empty=0),
        topic=ctx.form.get("topic", ""),
        place=ctx.form.get("place", ""),
        seats=read_optional_whole(ctx.form.get("seats", ""), "seats"),
    )
