"""Documents about purchases, which no other plugin owns: liquidación de compra (03) and retención (07)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_type_hints
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.codec import from_json
from core.contracts.fiscal import FiscalRequest, PurchaseSettlementRequest, WithholdingRequest
from core.db.tenancy import scope_of
from core.errors import Conflict, DomainError
from core.i18n import _
from core.models import Branch, IssuePoint
from core.services import numbering
from core.services import settings as tenant_settings
from core.services.audit import write_audit
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.estados import Estado
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.cancel_document import find_document
from plugins.einvoice_sri.services.request_documents import KINDS, request_documents, request_of

PURCHASES: dict[str, type[FiscalRequest]] = {
    "settlement": PurchaseSettlementRequest,
    "withholding": WithholdingRequest,
}
LARGEST = Decimal(10) ** 10
NUMBERED = ("document_id", "branch_code", "issue_point_code", "sequence", "priority")


def issue_purchase(
    session: Session,
    what: str,
    given: Mapping[str, Any],
    *,
    issue_point_id: UUID,
    source_key: str,
    now: datetime,
) -> tuple[FiscalDocument, bool]:
    """Number and request a ``settlement`` or ``withholding``; the document, and whether it is new.

    ``given`` holds the fields of the request's dataclass (``core.contracts.fiscal``) as JSON, without
    its number; ``issued_on`` is today where it is missing. The same ``source_key`` gives the same
    document. Raises ``DomainError`` for a field that is missing, unknown or unreadable, and for what
    SRI would refuse; no number is used then.
    """
    scope = scope_of(session)
    if scope.tenant_id is None:
        raise ValueError("no company in scope")
    cls = PURCHASES[what]
    document_id = uuid5(scope.tenant_id, f"einvoice_sri.{what}:{source_key}")
    known = session.get(FiscalDocument, document_id)
    if known is not None:
        return known, False
    values = {"issued_on": to_local_date(now).isoformat(), **given}
    _refuse_unknown(cls, values)
    environment = int(tenant_settings.read(session, settings.ENVIRONMENT))
    numbers = numbering.allocate(
        session,
        issue_point_id=issue_point_id,
        document_kind=KINDS[cls],
        environment=environment,
    )
    request = _read(
        cls,
        {
            **values,
            "document_id": str(document_id),
            "branch_code": numbers.branch_code,
            "issue_point_code": numbers.issue_point_code,
            "sequence": numbers.first,
        },
    )
    request_documents(session, [request], now=now)
    write_audit(session, action=f"issue_{what}", subject_id=document_id)
    return session.scalars(
        select(FiscalDocument).where(FiscalDocument.id == document_id)
    ).one(), True


def reissue_purchase(session: Session, document_id: UUID, *, now: datetime) -> FiscalDocument:
    """Issue an annulled liquidación or retención again: same facts, next number of its point, today.

    Once: asking again gives the same document. Raises ``Conflict`` for one that is not annulled or
    belongs to another plugin (an invoice is sold again), ``DomainError`` for what SRI would refuse.
    """
    old = find_document(session, document_id, lock=True)
    if old.state != Estado.ANNULLED or old.kind not in {KINDS[one] for one in PURCHASES.values()}:
        raise Conflict(
            _("Only an annulled purchase document can be issued again here."), code="sri_state"
        )
    new_id = uuid5(old.id, "einvoice_sri.reissue")
    known = session.get(FiscalDocument, new_id)
    if known is not None:
        return known
    point = session.scalars(
        select(IssuePoint.id)
        .join(Branch, Branch.id == IssuePoint.branch_id)
        .where(Branch.code == old.branch_code, IssuePoint.code == old.issue_point_code)
    ).one()
    environment = int(tenant_settings.read(session, settings.ENVIRONMENT))
    numbers = numbering.allocate(
        session, issue_point_id=point, document_kind=old.kind, environment=environment
    )
    request = replace(
        request_of(old),
        document_id=new_id,
        sequence=numbers.first,
        issued_on=to_local_date(now),
    )
    request_documents(session, [request], now=now)
    write_audit(session, action="reissue_purchase", subject_id=new_id)
    return session.scalars(select(FiscalDocument).where(FiscalDocument.id == new_id)).one()


def _refuse_unknown(cls: type[FiscalRequest], values: Mapping[str, Any]) -> None:
    known = {one.name for one in fields(cls)} - set(NUMBERED)
    for name in values:
        if name not in known:
            raise DomainError(
                _("The field %(name)s is not known here: leave it out.", name=name),
                code="sri_field_unknown",
                field=name,
            )
    for one in fields(cls):
        if one.name in known and one.name not in values and one.default is MISSING:
            raise DomainError(
                _("The field %(name)s is missing: fill it in.", name=one.name),
                code="sri_field_missing",
                field=one.name,
            )


def _read(cls: type[FiscalRequest], values: Mapping[str, Any]) -> FiscalRequest:
    """The request, field by field, so that a refusal names the one that cannot be read."""
    readable: dict[str, Any] = dict(_NOTHING)
    for name, value in values.items():
        readable[name] = value
        try:
            _check_plain(from_json(cls, readable))
        except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise DomainError(
                _("The field %(name)s cannot be read: see its form in the API's description.",
                  name=name),
                code="sri_field_unreadable",
                field=name,
            ) from error  # fmt: skip
    return from_json(cls, values)


_NOTHING: dict[str, Any] = {
    "document_id": str(UUID(int=0)),
    "branch_code": "",
    "issue_point_code": "",
    "sequence": 0,
    "issued_on": date.min.isoformat(),
    "counterpart": {"tax_id_type": "", "tax_id": "", "legal_name": ""},
}


def _check_plain(value: Any) -> None:
    """Texts, numbers and flags are what they are declared to be: the codec hands them on as they
    came. Raises ``TypeError``.
    """
    if isinstance(value, tuple):
        for one in value:
            _check_plain(one)
    elif isinstance(value, Decimal):
        if not value.is_finite() or abs(value) >= LARGEST:
            raise TypeError("no amount")
    elif is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        for field in fields(value):
            one, hint = getattr(value, field.name), hints[field.name]
            if hint in (str, int, bool) and type(one) is not hint:
                raise TypeError(field.name)
            _check_plain(one)
