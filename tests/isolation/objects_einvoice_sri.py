"""Electronic documents of the two companies (sales' invoices, really sent to a simulator)."""

from __future__ import annotations

from sqlalchemy import select

from core import jobs
from core.db.session import bound, unit_of_work
from core.ids import new_id
from plugins.einvoice_sri.models.certificates import SigningCertificate
from plugins.einvoice_sri.models.documents import FiscalDocument, IssuerPause
from plugins.einvoice_sri.services.cancel_document import request_annulment
from tests.conftest import Company
from tests.factories.sri import give_certificate, simulated, simulator
from tests.isolation.world import Case, Side

LAST = True  # after sales: its invoices become documents


def add(side: Side) -> None:
    """A certificate, the documents of sales' invoices (authorised), one to be annulled, a pause."""
    company = Company(
        side.tenant_id, side.tax_id, side.name, side.branch_id, side.till_id, side.run_id
    )
    give_certificate(company, side.now)
    site = simulator()
    site.clock = lambda: side.now
    with simulated(site):
        jobs.run_due(bound().engine)
    with unit_of_work(side.scope) as session:
        found = session.scalars(
            select(FiscalDocument)
            .where(FiscalDocument.state == "authorized")
            .order_by(FiscalDocument.id)
        ).all()
        assert len(found) > 2, "nothing was authorised"
        side.objects |= {"document": found[0].id, "annulling": found[1].id}
        request_annulment(session, found[1].id, today=found[1].issued_on, now=side.now)
        side.objects["certificate"] = session.scalars(select(SigningCertificate.id)).first()
        pause = IssuerPause(
            id=new_id(), branch_code="009", code="35", detail="x", paused_at=side.now
        )
        session.add(pause)
        session.flush()
        side.objects["pause"] = pause.id


DOCUMENT = {"ids": lambda s: {"document_id": s["document"]}}
ANNULLING = {"ids": lambda s: {"document_id": s["annulling"]}, "form": lambda s: {}}
CERTIFICATE = {"ids": lambda s: {"certificate_id": s["certificate"]}}

CASES = {
    "api.einvoice_sri.document.index": Case(),
    "api.einvoice_sri.document.show": Case(**DOCUMENT),
    "api.einvoice_sri.document.xml": Case(**DOCUMENT),
    "api.einvoice_sri.document.ride": Case(**DOCUMENT),
    "einvoice_sri.certificate.index": Case(),
    "einvoice_sri.certificate.new": Case(),
    "einvoice_sri.certificate.link": Case(form=lambda s: {"note": "contador"}, answers=(200, 303)),
    "einvoice_sri.certificate.revoke": Case(form=lambda s: {}),
    "einvoice_sri.certificate.show": Case(**CERTIFICATE),
    "einvoice_sri.certificate.move": Case(**CERTIFICATE, form=lambda s: {"use_from": ""}),
    "einvoice_sri.certificate.wipe": Case(**CERTIFICATE, form=lambda s: {"reason": "cambio"}),
    "einvoice_sri.document.index": Case(),
    "einvoice_sri.document.show": Case(**DOCUMENT),
    "einvoice_sri.document.xml": Case(**DOCUMENT),
    "einvoice_sri.document.ride": Case(**DOCUMENT),
    "einvoice_sri.document.annul": Case(**DOCUMENT, form=lambda s: {}),
    "einvoice_sri.document.annulled": Case(**ANNULLING),
    "einvoice_sri.document.stands": Case(**ANNULLING),
    "einvoice_sri.document.correct": Case(  # an authorised one needs no correction: 409, but found
        **DOCUMENT, form=lambda s: {}, answers=(303, 409)
    ),
    "einvoice_sri.document.resume": Case(ids=lambda s: {"pause_id": s["pause"]}, form=lambda s: {}),
}

OPEN = {"einvoice_sri.upload.upload": "opened by a one-time token"}
