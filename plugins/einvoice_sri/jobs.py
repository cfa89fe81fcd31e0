"""What workers do for fiscal documents: carry a chunk one step on, mail a chunk, look for stragglers.

Each job may be killed anywhere and run again: what it finds in the rows decides what it does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from core import jobs, runtime
from core import settings as installation
from core.contracts.hooks import Task
from core.contracts.ports import Mailer, MailError
from core.contracts.schedule import Schedule
from core.db.arrays import among
from core.db.session import platform_scope, tenant_statements, tenant_work
from core.errors import TryLater
from core.failpoints import failpoint
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.adapters.gateways import Gateways, open_gateways
from plugins.einvoice_sri.domain.estados import Estado, pausa
from plugins.einvoice_sri.domain.ports import SriGateway
from plugins.einvoice_sri.models.certificates import SigningCertificate
from plugins.einvoice_sri.models.documents import FiscalDocument, IssuerPause
from plugins.einvoice_sri.services import p12_expiry
from plugins.einvoice_sri.services.ask_fate import ASK, ask_fate
from plugins.einvoice_sri.services.certificates import (
    RESUME,
    resume_when_usable,
    signing_key_for,
)
from plugins.einvoice_sri.services.claim_documents import (
    Claim,
    claim,
    due_documents,
    write_back,
)
from plugins.einvoice_sri.services.consult_states import (
    CONSULT,
    annulments_under_way,
    consult_documents,
    defer_consultation,
)
from plugins.einvoice_sri.services.fetch_documents import FETCH, fetch_listed
from plugins.einvoice_sri.services.intend_mail import MAIL
from plugins.einvoice_sri.services.issue_document import sign_requested
from plugins.einvoice_sri.services.mail_document import (
    Letter,
    mark_problem,
    mark_sent,
    write_letters,
)
from plugins.einvoice_sri.services.pauses import (
    CERTIFICATE,
    WAITING,
    defer_waiting,
    open_pauses,
    scope_stopped,
    stops,
)
from plugins.einvoice_sri.services.record_outcomes import record
from plugins.einvoice_sri.services.request_documents import EMIT, emission
from plugins.einvoice_sri.services.send_document import Delivery, Outcome, Stops, converse_all
from plugins.einvoice_sri.services.tell_certificates import tell_certificate

if TYPE_CHECKING:
    from plugins.einvoice_sri.cli.practice import Practice

SWEEP = "einvoice_sri.sweep"
WATCH = "einvoice_sri.watch_certificates"
CONSULT_ALL = "einvoice_sri.consult_annulments"
MAIL_HOST = "sri.yupana"  # right side of the Message-IDs of warnings
RECORD_EVERY = 50
WRITE_AT_ONCE = 25  # letters in memory, written before the first of them leaves
STRAGGLER = timedelta(minutes=20)
Run = Callable[[str, Mapping[str, Any]], int]
log = logging.getLogger("yupana.sri")

_given: Gateways | None = None
_opened: tuple[installation.Settings, Gateways] | None = None


def use_gateways(given: Gateways | None) -> None:
    """Make these the gateways of this process (None: those that the settings name)."""
    global _given
    _given = given


def gateways() -> Gateways:
    """The gateways of this process, opened once for its settings."""
    global _opened
    if _given is not None:
        return _given
    wanted = installation.current()
    if _opened is None or _opened[0] is not wanted:
        if _opened is not None:
            _opened[1].close()
        _opened = wanted, open_gateways(wanted)
    return _opened[1]


@cache
def practice() -> Practice:
    """The practice SRI of this process, made (and its modules loaded) when somebody practises."""
    from plugins.einvoice_sri.cli.practice import Practice

    return Practice(runtime.clock().now())


def gateway_of(environment: int) -> SriGateway:
    """Who answers for an environment: SRI's two, or the simulator inside this process to practise."""
    if environment == settings.PRACTICE:
        return practice().gateway
    return gateways().of(environment)


def emit(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.emit``: sign what is requested, send what is signed, ask for what was sent."""
    tenant = UUID(args["tenant"])
    ids = [UUID(one) for one in args["documents"]]
    with tenant_work(tenant) as session:
        claims = _sign_and_claim(session, ids, now)
        parallel = int(tenant_settings.read(session, settings.PARALLEL_CALLS))
    failpoint("sri.after_sign_commit")
    failpoint("sri.after_claim")
    for one in claims:
        _talk(tenant, one, now, parallel)
    with tenant_work(tenant) as session:
        _come_back(session, tenant, ids, now)
    failpoint("sri.after_emit")


def _sign_and_claim(session: Session, ids: Sequence[UUID], now: datetime) -> list[Claim]:
    """Key, bytes and UNKNOWN in one transaction: read once, written once, committed before any byte leaves."""
    documents = due_documents(session, ids, now=now)
    signed = sign_requested(
        session,
        [one for one in documents if one.state == Estado.REQUESTED],
        key_for=signing_key_for,
        practice_key_for=lambda session, now: practice().key_for(session, now),
        now=now,
    )
    claims = claim(session, documents, signed, now=now, simulated=gateways().is_simulated)
    write_back(session, documents)
    if signed:
        failpoint("sri.before_sign_commit")
    return claims


def _talk(tenant: UUID, one: Claim, now: datetime, parallel: int) -> None:
    """Talk and write down, ``RECORD_EVERY`` at a time; at once what stops the issuer."""
    gateway = gateway_of(one.environment)
    held = Stops(one.stopped, is_heeded=one.environment != settings.PRACTICE)
    talked: list[tuple[Delivery, Outcome]] = []
    left = len(one.deliveries)
    for group in converse_all(gateway, one.deliveries, now, parallel=parallel, stops=held):
        talked += group
        left -= len(group)
        if left and len(talked) < RECORD_EVERY and not held.is_to_record:
            continue
        failpoint("sri.before_record")
        with tenant_work(tenant) as session:
            record(session, talked, now=now)
            if left:  # others stop and resume, too
                session.flush()
                held.recorded(scope_stopped(pause) for pause in open_pauses(session))
            failpoint("sri.before_record_commit")
        failpoint("sri.after_record")
        talked = []


def _come_back(session: Session, tenant: UUID, ids: Sequence[UUID], now: datetime) -> None:
    """Defer the next step of those that are not at an end; stopped ones wait for a person."""
    rows = session.scalars(
        select(FiscalDocument)
        .where(among(FiscalDocument.id, ids), FiscalDocument.state.in_(WAITING))
        .options(defer(FiscalDocument.request))
    ).all()
    pauses = open_pauses(session) if rows else ()
    moving = [
        row for row in rows if row.state in ("unknown", "received") or stops(pauses, row) is None
    ]
    if not moving:
        return
    due = min(row.claimed_until or row.next_at or now + pausa(1) for row in moving)
    at = max(due, now + pausa(1))
    jobs.defer_many(session, [emission(tenant, [row.id for row in moving], at=at)])


def mail(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.mail``: one mail after the other, each marked as soon as it has left."""
    tenant = UUID(args["tenant"])
    ids = [UUID(one) for one in args["mails"]]
    again = False
    with runtime.mailing() as mailer, tenant_statements(tenant) as run:
        for start in range(0, len(ids), WRITE_AT_ONCE):
            with tenant_work(tenant) as session:
                letters = write_letters(session, ids[start : start + WRITE_AT_ONCE], now=now)
            for letter in letters:
                again = _post(tenant, run, letter, mailer, now) or again
    if again:
        raise TryLater("the mail server does not take everything now", seconds=60)


def _post(tenant: UUID, run: Run, letter: Letter, mailer: Mailer, now: datetime) -> bool:
    """Send one mail and write down what came of it; True when it is to be tried again."""
    failpoint("sri.before_mail")
    problem: MailError | None = None
    try:
        mailer.send(letter.mail)
    except MailError as error:
        problem = error
    failpoint("sri.after_mail")
    if problem is None:
        run(*mark_sent(tenant, letter.mail_id, now=now))
        return False
    with tenant_work(tenant) as session:
        return mark_problem(session, letter.mail_id, problem)


def sweep(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.sweep``: documents that nobody has looked at for a while get a job again."""
    with platform_scope("find fiscal documents that nobody carries on") as session:
        tenants = session.scalars(
            select(FiscalDocument.tenant_id)
            .where(
                FiscalDocument.state.in_(WAITING),
                func.coalesce(FiscalDocument.next_at, FiscalDocument.requested_at)
                < now - STRAGGLER,
            )
            .distinct()
        ).all()
    for tenant in tenants:
        with tenant_work(tenant) as session:
            count = defer_waiting(session, now=now)
        log.info("%s documents of tenant %s are taken up again", count, tenant)
    _look_for_certificates(now)


def _look_for_certificates(now: datetime) -> None:
    """Companies that stopped for want of a certificate, and have a valid one by now, get a job each."""
    with platform_scope("find stopped issuers whose certificate has begun") as session:
        tenants = session.scalars(
            select(IssuerPause.tenant_id)
            .join(SigningCertificate, SigningCertificate.tenant_id == IssuerPause.tenant_id)
            .where(
                IssuerPause.code == CERTIFICATE,
                IssuerPause.resumed_at.is_(None),
                SigningCertificate.wiped_at.is_(None),
                SigningCertificate.not_before <= now,
                SigningCertificate.not_after >= now,
            )
            .distinct()
        ).all()
    for tenant in tenants:
        with tenant_work(tenant) as session:
            jobs.defer(session, RESUME, {"tenant": str(tenant)})


def resume_certificate(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.resume_certificate``: go on when a certificate signs that was missing."""
    with tenant_work(UUID(args["tenant"])) as session:
        resume_when_usable(session, now=now)


def watch_certificates(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.watch_certificates``: warn owners 60, 30, 7 and 1 days before the end."""
    last = max(p12_expiry.THRESHOLDS) + 1
    with platform_scope("find signing certificates that end soon") as session:
        tenants = session.scalars(
            select(SigningCertificate.tenant_id)
            .where(
                SigningCertificate.wiped_at.is_(None),
                SigningCertificate.not_after.between(now, now + timedelta(days=last)),
            )
            .distinct()
        ).all()
    for tenant in tenants:
        _warn(tenant, now)


def _warn(tenant: UUID, now: datetime) -> None:
    with tenant_work(tenant) as session:
        letters = p12_expiry.write_expiry_letters(session, now=now, host=MAIL_HOST)
    for letter in letters:
        try:
            runtime.mailer().send(letter.mail)
        except MailError as error:
            log.warning("a certificate warning of tenant %s did not leave: %s", tenant, error)
            if not error.permanent:
                return  # tomorrow's round tries again
    with tenant_work(tenant) as session:
        if letters:
            tell_certificate(session, now=now)
        for letter in letters:
            p12_expiry.mark_warned(session, letter.certificate_id, letter.threshold)


def consult(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.consult``: what became of authorised documents."""
    ids = [UUID(one) for one in args["documents"]]
    consult_documents(UUID(args["tenant"]), ids, gateway_of, now=now)


def ask(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.ask_fate``: what became of the key of a document refused for its date."""
    ask_fate(UUID(args["tenant"]), UUID(args["document"]), gateway_of, now=now)


def consult_annulments(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.consult_annulments``: ask about every annulment that is under way."""
    with platform_scope("find annulments under way") as session:
        under_way = FiscalDocument.state == Estado.ANNULMENT_REQUESTED
        tenants = session.scalars(
            select(FiscalDocument.tenant_id).where(under_way).distinct()
        ).all()
    for tenant in tenants:
        with tenant_work(tenant) as session:
            defer_consultation(session, annulments_under_way(session))


def fetch(args: dict[str, Any], now: datetime) -> None:
    """Task ``einvoice_sri.fetch``: go on with a company's list of access keys."""
    fetch_listed(UUID(args["tenant"]), gateway_of, now=now)


TASKS = (
    Task(EMIT, emit, max_attempts=200),
    Task(MAIL, mail, max_attempts=60),
    Task(SWEEP, sweep, max_attempts=3),
    Task(RESUME, resume_certificate, max_attempts=3),
    Task(WATCH, watch_certificates, max_attempts=3),
    Task(CONSULT, consult, max_attempts=3),
    Task(ASK, ask, max_attempts=3),
    Task(CONSULT_ALL, consult_annulments, max_attempts=3),
    Task(FETCH, fetch, max_attempts=20),
)
SCHEDULES = (
    Schedule(SWEEP, SWEEP, every_minutes=20, catch_up=False),
    Schedule(WATCH, WATCH, at="07:30", catch_up=False),
    Schedule(CONSULT_ALL, CONSULT_ALL, at="06:30", catch_up=False),
)
