"""Electronic documents of the two companies (sales' invoices, really sent to a simulator)."""

from __future__ import annotations

from sqlalchemy import select

from core import jobs
from core.db.session import bound, unit_of_work
from core.ids import new_id
from plugins.einvoice_sri.models.certificates import SigningCertificate
from plugins.einvoice_sri.models.documents import FiscalDocument, IssuerPause
from plugins.einvoice_sri.models.fetched import FetchedDocument
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
        side.objects["fetched_key"] = found[0].access_key
        fetched = FetchedDocument(
            access_key=found[0].access_key, state="found", requested_at=side.now,
            next_at=side.now, content=b"<autorizacion/>",
        )  # fmt: skip
        session.add(fetched)
        session.flush()
        side.objects["fetched"] = fetched.id
        pause = IssuerPause(
            id=new_id(), branch_code="009", code="35", detail="x", paused_at=side.now
        )
        session.add(pause)
        session.flush()
        side.objects["pause"] = pause.id


DOCUMENT = {"ids": lambda s: {"document_id": s["document"]}}
ANNULLING = {"ids": lambda s: {"document_id": s["annulling"]}, "form": lambda s: {}}
CERTIFICATE = {"ids": lambda s: {"certificate_id": s["certificate"]}}

SUPPLIER = {
    "tax_id_type": "04", "tax_id": "1790085783001", "legal_name": "Proveedor S.A.",
    "email": "p@example.com", "address": "Quito",
}  # fmt: skip
SETTLEMENT = {
    "counterpart": SUPPLIER,
    "lines": [{
        "code": "L", "description": "Limpieza", "quantity": "1", "unit_price": "20.00",
        "discount": "0.00", "subtotal": "20.00",
        "taxes": [{"code": "2", "rate_code": "4", "rate": "15", "base": "20.00", "amount": "3.00"}],
    }],
    "payments": [{"method": "20", "total": "23.00"}],
}  # fmt: skip
WITHHOLDING = {
    "counterpart": SUPPLIER,
    "supported": {"kind": "01", "number": "001-002-000000123", "issued_on": "2026-04-20",
                  "access_key": "2" * 49},
    "supported_subtotal": "20.00",
    "supported_total": "20.00",
    "taxes": [{"code": "1", "withholding_code": "312", "base": "20.00", "rate": "1.75",
               "amount": "0.35"}],
}  # fmt: skip

CASES = {
    "api.einvoice_sri.purchase.settle": Case(
        json=lambda s: {**SETTLEMENT, "issue_point_id": str(s.till_id)}
    ),
    "api.einvoice_sri.purchase.withhold": Case(
        json=lambda s: {**WITHHOLDING, "issue_point_id": str(s.till_id)}
    ),
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
    "einvoice_sri.purchase.settlement": Case(form=lambda s: {"do": "update"}),
    "einvoice_sri.purchase.withholding": Case(form=lambda s: {"do": "update"}),
    "einvoice_sri.document.index": Case(),
    "einvoice_sri.document.again": Case(  # an invoice is sold again, not here: 409, but found
        **DOCUMENT, form=lambda s: {}, answers=(303, 409)
    ),
    "einvoice_sri.document.ask": Case(  # an authorised one has nothing open: 409, but found
        **DOCUMENT, form=lambda s: {}, answers=(303, 409)
    ),
    "einvoice_sri.document.consult": Case(**DOCUMENT, form=lambda s: {}),
    "einvoice_sri.fetched.index": Case(),
    "einvoice_sri.fetched.add": Case(form=lambda s: {"keys": s["fetched_key"]}),
    "einvoice_sri.fetched.xml": Case(ids=lambda s: {"fetched_id": s["fetched"]}),
    "einvoice_sri.fetched.again": Case(
        ids=lambda s: {"fetched_id": s["fetched"]}, form=lambda s: {}
    ),
    "einvoice_sri.document.show": Case(**DOCUMENT),
    "einvoice_sri.document.xml": Case(**DOCUMENT),
    "einvoice_sri.document.ride": Case(**DOCUMENT),
    "einvoice_sri.document.annul": Case(**DOCUMENT, form=lambda s: {}),
    "einvoice_sri.document.annulled": Case(**ANNULLING),
    "einvoice_sri.document.stands": Case(**ANNULLING),
    "einvoice_sri.document.correct": Case(  # an authorised one needs no correction: 409, but found
        **DOCUMENT, form=lambda s: {}, answers=(303, 409)
    ),
    "einvoice_sri.document.amend": Case(  # an authorised one: GET leads back, POST 409, but found
        **DOCUMENT, form=lambda s: {}, answers=(303, 409, 422)
    ),
    "einvoice_sri.document.resume": Case(ids=lambda s: {"pause_id": s["pause"]}, form=lambda s: {}),
}

OPEN = {"einvoice_sri.upload.upload": "opened by a one-time token"}
