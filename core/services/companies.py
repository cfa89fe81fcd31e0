"""Companies: a tenant is exactly one RUC, with what it prints and the regime it is in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.db.session import acting_for
from core.db.tenancy import scope_of
from core.domain import tax_ids
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.models import TENANT_KINDS, Branch, CompanyProfile, IssuePoint, TaxRegime, Tenant
from core.services import limits

PROFILE_FIELDS = ("legal_name", "trade_name", "head_office_address", "email", "phone")


def create_tenant(
    *,
    tax_id: str,
    name: str,
    kind: str = "company",
    now: datetime,
    profile: Mapping[str, str] | None = None,
) -> UUID:
    """Create a company with its profile, in an audited transaction of its own; its id.

    ``profile`` may hold any of ``PROFILE_FIELDS``. The regime starts as general, today.

    Raises:
        DomainError: the RUC is not one, or the name is empty.
        Conflict: there is a company with this RUC.
    """
    if kind not in TENANT_KINDS:
        raise ValueError(f"unknown kind of tenant: {kind}")
    finding = tax_ids.check_issuer(tax_id)
    if not finding.is_valid:
        raise DomainError(str(finding.sentence), code=finding.code, field="tax_id")
    if not name.strip():
        raise DomainError(_("Write the company's name."), code="name_missing", field="name")
    tenant_id = new_id()
    row = {"id": tenant_id, "tax_id": finding.number, "name": name.strip()[:300], "kind": kind}
    values = {key: value for key, value in (profile or {}).items() if key in PROFILE_FIELDS}
    try:
        with acting_for(tenant_id, "create the company") as session:
            # by hand and first: every other row of this transaction refers to it
            session.connection().execute(insert(Tenant.__table__).values(**row))  # type: ignore[arg-type]
            session.add(CompanyProfile(**({"legal_name": name.strip()} | values)))
            session.add(TaxRegime(valid_from=to_local_date(now)))
    except IntegrityError as error:
        if "uq_core_tenant_operator" in str(error):
            sentence = _("There is an operator already: one installation has one.")
            raise Conflict(sentence, code="operator_exists") from None
        if "uq_core_tenant_tax_id" in str(error):
            raise Conflict(
                _("There is a company with this RUC already."), code="tax_id_taken", field="tax_id"
            ) from None
        raise
    return tenant_id


def find_tenant(session: Session, tax_id: str) -> Tenant | None:
    """The company with this RUC."""
    return session.scalar(select(Tenant).where(Tenant.tax_id == tax_ids.normalise(tax_id)))


def profile(session: Session) -> CompanyProfile:
    """What the company in scope prints. Raises ``NotFound`` where nobody is in scope."""
    found: CompanyProfile | None = session.scalar(select(CompanyProfile))
    if found is None:
        raise NotFound(_("This company has no profile yet: fill in its data."))
    return found


def mail_sender(session: Session) -> tuple[str, str]:
    """The name that mails of the company in scope carry, and the address that answers reach; empty where
    nothing was filled in.
    """
    found = session.execute(
        select(
            Tenant.name,
            CompanyProfile.legal_name,
            CompanyProfile.trade_name,
            CompanyProfile.email,
        )
        .outerjoin(CompanyProfile, CompanyProfile.tenant_id == Tenant.id)
        .where(Tenant.id == scope_of(session).tenant_id)
    ).one_or_none()
    if found is None:
        return "", ""
    return found.trade_name or found.legal_name or found.name, found.email or ""


def regime(session: Session, on: date) -> TaxRegime:
    """The regime of the company in scope on a day; general before the first one is recorded."""
    known = select(TaxRegime).where(TaxRegime.valid_from <= on)
    found = session.scalar(known.order_by(TaxRegime.valid_from.desc()).limit(1))
    return found or TaxRegime(
        valid_from=on,
        regime="general",
        keeps_accounts=False,
        withholding_agent_resolution="",
        special_taxpayer_resolution="",
        large_taxpayer_resolution="",
    )


def add_branch(session: Session, *, code: str, name: str = "", address: str = "") -> UUID:
    """Open an establishment; its id. Raises ``DomainError`` for a code that is not three digits."""
    branch = Branch(id=new_id(), code=_code(code), name=name, address=address)
    taken = select(Branch.id).where(Branch.code == branch.code)
    if session.scalar(taken) is not None:
        raise Conflict(
            _("There is an establishment %(code)s already.", code=code),
            code="branch_taken",
            field="code",
        )
    session.add(branch)
    session.flush()
    return branch.id


def add_issue_point(
    session: Session, branch_id: UUID, *, code: str, purpose: str = "till", name: str = ""
) -> UUID:
    """Open an emission point of a branch; its id. ``purpose``: till, run or api."""
    if session.get(Branch, branch_id) is None:
        raise NotFound(_("This establishment does not exist."))
    point = IssuePoint(
        id=new_id(), branch_id=branch_id, code=_code(code), purpose=purpose, name=name
    )
    taken = select(IssuePoint.id).where(
        IssuePoint.branch_id == branch_id, IssuePoint.code == point.code
    )
    if session.scalar(taken) is not None:
        raise Conflict(
            _("There is an emission point %(code)s in this establishment already.", code=code),
            code="issue_point_taken",
            field="code",
        )
    limits.require_room(session, "points")
    session.add(point)
    session.flush()
    return point.id


def _code(code: str) -> str:
    if len(code) != 3 or not code.isascii() or not code.isdigit() or code == "000":
        raise DomainError(
            _("A code has three digits, from 001 to 999."), code="code_digits", field="code"
        )
    return code
