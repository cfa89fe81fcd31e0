"""Group trainings: who holds them tells its clients, and hears who comes.

The operator's trainings are for every client, a distributor's for his portfolio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.contracts.events import TrainingAnnounced, TrainingsAsked, TrainingSeatChanged
from core.db.events import emit
from core.db.tenancy import scope_of
from core.errors import Conflict, DomainError, NotFound, TryLater
from core.i18n import _
from core.ids import new_id
from core.jobs import defer
from core.services.audit import write_audit
from plugins.licensing.models import Contract, Licence, PortfolioClient, Training, TrainingSeat
from plugins.licensing.services.parties import is_operator, own_tenant

FARTHEST = timedelta(days=366)
MOST_PEOPLE = 50


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a person typed: ``place`` is a link or where to go; ``seats`` None: without limit."""

    starts_at: datetime
    minutes: int
    topic: str
    place: str
    seats: int | None = None


@dataclass(frozen=True, slots=True)
class TrainingView:
    """A training with who comes: ``mine`` the own people, ``coming`` those of all clients."""

    row: Training
    mine: int
    coming: int


def set_training(
    session: Session, data: TrainingData, *, session_id: UUID | None = None, now: datetime
) -> Training:
    """Set a training, or change the one with ``session_id``; every client who may come is told.

    Raises ``DomainError`` for what is missing or lies in the past, ``NotFound`` for a training of others.
    """
    _check(data, now=now)
    if session_id is None:
        row = Training(
            session_id=new_id(), host_id=scope_of(session).tenant_id,
            host_name=own_tenant(session).name,
        )  # fmt: skip
        session.add(row)
    else:
        row = find_own(session, session_id)
        if row.is_cancelled:
            raise Conflict(_("This training was called off: set a new one."), code="called_off")
    row.starts_at, row.minutes, row.seats = data.starts_at, data.minutes, data.seats
    row.topic, row.place, row.told_at = data.topic.strip(), data.place.strip(), now
    session.flush()
    write_audit(session, action="licensing.training", subject_id=row.session_id)
    _announce(session, row, _clients(session))
    return row


def call_off(session: Session, session_id: UUID, *, now: datetime) -> None:
    """Call a training off; those who were coming get a mail."""
    row = find_own(session, session_id)
    if not row.is_cancelled:
        row.is_cancelled, row.told_at = True, now
        session.flush()
        write_audit(session, action="licensing.training", subject_id=row.session_id)
        _announce(session, row, _clients(session))


def take_seat(session: Session, session_id: UUID, people: int, *, now: datetime) -> Training:
    """People of the client in scope come to a training (0: nobody any more); who holds it is told.

    Raises ``NotFound`` for what is no training of his, ``Conflict`` for one that is over or called off.
    """
    row = _find(session, session_id)
    if row is None or row.host_id == scope_of(session).tenant_id:
        raise NotFound
    if row.is_cancelled or row.starts_at <= now:
        raise Conflict(_("This training is over or was called off."), code="training_over")
    if not 0 <= people <= MOST_PEOPLE:
        raise DomainError(
            _("Write how many people come, between 1 and 50."), code="people", field="people"
        )
    own = own_tenant(session)
    seat = _seat(session, session_id, own.id) or TrainingSeat(
        session_id=session_id, client_tenant_id=own.id, people=1
    )
    seat.client_name, seat.is_withdrawn, seat.told_at = own.name, people == 0, now
    seat.people = people or seat.people
    session.add(seat)
    session.flush()
    event = TrainingSeatChanged(
        session_id=session_id,
        client_tenant_id=own.id,
        client_name=own.name,
        people=seat.people,
        is_withdrawn=seat.is_withdrawn,
        told_at=now,
    )
    emit(session, event, to=row.host_id, now=now)
    if people:
        _mail(session, row, "training", now=now)
    return row


def hear_training(session: Session, event: TrainingAnnounced, *, now: datetime) -> None:
    """Who holds a training tells it; what is older than known is left out. Who was coming gets a mail
    when day, hour or place changed, or when it was called off.
    """
    if event.host_id == scope_of(session).tenant_id:
        return
    row = _find(session, event.session_id, lock=True)
    if row is None:
        row = Training(session_id=event.session_id, host_id=event.host_id, told_at=event.told_at)
        session.add(row)
        before = None
    elif row.told_at > event.told_at:
        return
    else:
        before = (row.starts_at, row.place, row.is_cancelled)
    row.host_name, row.starts_at, row.minutes = event.host_name, event.starts_at, event.minutes
    row.topic, row.place, row.seats = event.topic, event.place, event.seats
    row.is_cancelled, row.told_at = event.is_cancelled, event.told_at
    session.flush()
    seat = _seat(session, event.session_id, scope_of(session).tenant_id)
    if seat is None or seat.is_withdrawn:
        return
    if before is not None and before != (row.starts_at, row.place, row.is_cancelled):
        _mail(session, row, "training_off" if row.is_cancelled else "training_moved", now=now)


def hear_seat(session: Session, event: TrainingSeatChanged) -> None:
    """A client comes, or no longer; what is older than known is left out."""
    seat = _seat(session, event.session_id, event.client_tenant_id)
    if seat is None:
        if _find(session, event.session_id) is None:
            raise TryLater("the training has not arrived yet", seconds=5)
        seat = TrainingSeat(session_id=event.session_id, client_tenant_id=event.client_tenant_id)
        session.add(seat)
    elif seat.told_at > event.told_at:
        return
    seat.client_name, seat.people = event.client_name, event.people
    seat.is_withdrawn, seat.told_at = event.is_withdrawn, event.told_at
    session.flush()


def hear_question(session: Session, event: TrainingsAsked, *, now: datetime) -> None:
    """A new client asks which trainings are to come."""
    for row in session.scalars(_coming(now).where(Training.host_id == scope_of(session).tenant_id)):
        _announce(session, row, [event.client_tenant_id])


def ask_for_trainings(session: Session, licence: Licence, *, now: datetime) -> None:
    """A new client (or one with a new distributor) asks operator and distributor."""
    for party in {licence.operator_id, licence.distributor_id} - {None}:
        emit(session, TrainingsAsked(licence.tenant_id, asked_at=now), to=party, now=now)


def read_upcoming(session: Session, *, now: datetime) -> list[TrainingView]:
    """The trainings to come in the scope at hand, the next one first."""
    return _views(session, session.scalars(_coming(now)).all())


def read_past(session: Session, *, now: datetime) -> list[TrainingView]:
    """The trainings held or called off, the last one first."""
    over = select(Training).where((Training.starts_at <= now) | Training.is_cancelled)
    return _views(
        session, session.scalars(over.order_by(Training.starts_at.desc()).limit(30)).all()
    )


def read_seats(session: Session, session_id: UUID) -> list[TrainingSeat]:
    """Who comes to a training, by name."""
    rows = select(TrainingSeat).where(
        TrainingSeat.session_id == session_id, TrainingSeat.is_withdrawn.is_(False)
    )
    return list(session.scalars(rows.order_by(TrainingSeat.client_name)))


def find_training(session: Session, session_id: UUID, *, host_id: UUID) -> Training:
    """A training that ``host_id`` holds. Raises ``NotFound``."""
    row = _find(session, session_id)
    if row is None or row.host_id != host_id:
        raise NotFound
    return row


def find_own(session: Session, session_id: UUID) -> Training:
    """A training that the tenant in scope holds, for changing. Raises ``NotFound``."""
    row = _find(session, session_id, lock=True)
    if row is None or row.host_id != scope_of(session).tenant_id:
        raise NotFound
    return row


def _check(data: TrainingData, *, now: datetime) -> None:
    problem = None
    if not data.topic.strip() or len(data.topic) > 200:
        problem = ("topic", _("Write what the training is about, in at most 200 signs."))
    elif not data.place.strip() or len(data.place) > 500:
        problem = ("place", _("Write the link, or where the training takes place."))
    elif not now < data.starts_at <= now + FARTHEST:
        problem = ("day", _("The training lies in the past or more than a year ahead: correct it."))
    elif not 5 <= data.minutes <= 1440:
        problem = ("minutes", _("A training takes between 5 minutes and a day."))
    elif data.seats is not None and data.seats < 1:
        problem = ("seats", _("Leave the seats empty, or write at least one."))
    if problem is not None:
        raise DomainError(problem[1], code=f"training_{problem[0]}", field=problem[0])


def _clients(session: Session) -> Sequence[UUID]:
    if is_operator(session):
        enabled = select(Contract.client_tenant_id).where(Contract.state == "enabled").distinct()
    else:
        enabled = select(PortfolioClient.client_tenant_id).where(
            PortfolioClient.contract_state == "enabled", PortfolioClient.released_on.is_(None)
        )
    return session.scalars(enabled).all()


def _announce(session: Session, row: Training, clients: Sequence[UUID]) -> None:
    event = TrainingAnnounced(
        session_id=row.session_id,
        host_id=row.host_id,
        host_name=row.host_name,
        starts_at=row.starts_at,
        minutes=row.minutes,
        topic=row.topic,
        place=row.place,
        seats=row.seats,
        is_cancelled=row.is_cancelled,
        told_at=row.told_at,
    )
    for client in clients:
        emit(session, event, to=client, now=row.told_at)


def _mail(session: Session, row: Training, letter: str, *, now: datetime) -> None:
    defer(
        session,
        "licensing.mail",
        {
            "tenant": str(scope_of(session).tenant_id),
            "letter": letter,
            "key": f"{letter}:{row.session_id}:{now.isoformat()}",
            "about": str(row.session_id),
        },
    )


def _coming(now: datetime) -> Select[Training]:
    return (
        select(Training)
        .where(Training.starts_at > now, Training.is_cancelled.is_(False))
        .order_by(Training.starts_at)
        .limit(30)
    )


def _views(session: Session, rows: Sequence[Training]) -> list[TrainingView]:
    seats = TrainingSeat
    counted = session.execute(
        select(
            seats.session_id,
            func.sum(seats.people),
            func.sum(seats.people).filter(seats.client_tenant_id == scope_of(session).tenant_id),
        )
        .where(
            seats.session_id.in_([one.session_id for one in rows]), seats.is_withdrawn.is_(False)
        )
        .group_by(seats.session_id)
    )
    known = {key: (all_ or 0, own or 0) for key, all_, own in counted}
    found = []
    for row in rows:
        coming, mine = known.get(row.session_id, (0, 0))
        found.append(TrainingView(row, mine=mine, coming=coming))
    return found


def _find(session: Session, session_id: UUID, *, lock: bool = False) -> Training | None:
    query = select(Training).where(Training.session_id == session_id)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def _seat(session: Session, session_id: UUID, client: UUID | None) -> TrainingSeat | None:
    query = select(TrainingSeat).where(
        TrainingSeat.session_id == session_id, TrainingSeat.client_tenant_id == client
    )
    return session.scalars(query).one_or_none()
