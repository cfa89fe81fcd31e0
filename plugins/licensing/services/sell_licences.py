"""Selling: a distributor (own portfolio) or the operator creates a client and enables its order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import LicenceEnabling, LicenceOrdered
from core.db.events import emit
from core.db.session import acting_for
from core.db.tenancy import scope_of
from core.domain import tax_ids
from core.domain.money import ZERO, to_cents
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.security import links
from core.services import companies, people
from core.services.audit import write_audit
from core.web.formats import money as format_money
from plugins.licensing.domain.orders import lapses_on, payment_code
from plugins.licensing.models import (
    Contract,
    CreditLimit,
    DistributorRow,
    PortfolioClient,
)
from plugins.licensing.services import order_reports
from plugins.licensing.services.contracts import enable_contract, place_order
from plugins.licensing.services.first_money import first_total, refuse_too_little
from plugins.licensing.services.keep_portfolio import find_offer
from plugins.licensing.services.parties import find_by_tax_id, operator_id
from plugins.licensing.services.publish import plan_offers


@dataclass(frozen=True, slots=True)
class NewClient:
    """What is asked to contract a client. ``owner``: identification, first_name, last_name, email, phone."""

    tax_id: str
    name: str
    email: str
    plan_id: UUID
    owner: Mapping[str, str]
    distributor_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """How an order is enabled: confirmed money, or on credit (``amount`` 0)."""

    on_credit: bool
    amount: Decimal = ZERO
    value_on: date | None = None
    bank: str = ""
    reference: str = ""


def create_client(session: Session, wanted: NewClient, *, now: datetime) -> UUID:
    """A distributor contracts a client: company, portfolio row, order of payment; the contract's id.

    Raises ``NotFound`` for what is no plan, ``DomainError`` for a wrong RUC or owner, ``Conflict`` when the RUC is a client already.
    """
    offer = find_offer(session, wanted.plan_id)
    order = _order(session, wanted, distributor_id=scope_of(session).tenant_id, now=now)
    session.add(
        PortfolioClient(
            client_tenant_id=order.client_tenant_id,
            client_tax_id=order.client_tax_id,
            client_name=order.client_name,
            client_email=order.client_email,
            contract_id=order.contract_id,
            plan_id=offer.plan_id,
            plan_name=offer.name,
            price=offer.price,
            payment_code=payment_code(order.contract_id),
            ordered_on=order.ordered_on,
            lapses_on=lapses_on(order.ordered_on),
            owner=dict(order.owner),
        )
    )
    emit(session, order, to=operator_id(session), now=now)
    write_audit(session, action="licensing.create_client", subject_id=order.client_tenant_id)
    return order.contract_id


def create_client_as_operator(session: Session, wanted: NewClient, *, now: datetime) -> Contract:
    """The operator contracts a client, for a distributor or directly.

    Raises ``NotFound`` for what is no plan or no distributor of his.
    """
    known = select(DistributorRow.id).where(DistributorRow.distributor_id == wanted.distributor_id)
    if wanted.plan_id not in plan_offers(session) or (
        wanted.distributor_id is not None and session.scalar(known) is None
    ):
        raise NotFound
    order = _order(session, wanted, distributor_id=wanted.distributor_id, now=now)
    return place_order(session, order, now=now)


def order_again(session: Session, client: PortfolioClient, *, now: datetime) -> None:
    """A new order of payment for a client whose first one lapsed."""
    today = to_local_date(now)
    if client.contract_state != "order" or today <= client.lapses_on:
        raise Conflict(
            _("This licence already has an order or runs; a new order is not needed."),
            code="licence_order_refused",
        )
    client.contract_id = new_id()
    client.payment_code = payment_code(client.contract_id)
    client.ordered_on, client.lapses_on = today, lapses_on(today)
    client.contract_revision = 0
    emit(session, _known_order(session, client), to=operator_id(session), now=now)


def enable_client(
    session: Session, client: PortfolioClient, money: Money, *, now: datetime
) -> None:
    """A distributor enables an order of his portfolio: today is S (A-26).

    Raises ``Conflict`` when the order lapsed or is enabled, ``DomainError`` for wrong money, for less than
    the first invoice (R2), or when the credit limit is used up.
    """
    today = to_local_date(now)
    if client.contract_state != "order":
        raise Conflict(
            _("Only a licence with an order of payment can be enabled; look at its state."),
            code="licence_enable_refused",
        )
    if today > client.lapses_on:
        raise Conflict(
            _(
                "The order of payment lapsed on %(day)s: make a new one first.",
                day=f"{client.lapses_on:%d/%m/%Y}",
            ),
            code="order_lapsed",
        )
    enabling = _enabling(client.contract_id, money, now=now)
    if not money.on_credit:
        order_reports.refuse_reported(session, client.contract_id)
        refuse_too_little(session, client.plan_id, money.amount, on=today)
    if money.on_credit:
        _use_credit(session, client, on=today)
    client.contract_state, client.on_credit = "enabling", money.on_credit
    told = replace(enabling, order=_known_order(session, client))
    emit(session, told, to=operator_id(session), now=now)
    write_audit(
        session,
        action="licensing.enable",
        subject_id=client.client_tenant_id,
        details={"on_credit": money.on_credit, "amount": str(money.amount)},
    )


def enable_as_operator(session: Session, contract_id: UUID, money: Money, *, now: datetime) -> None:
    """The operator enables an order himself; no limit holds him.

    Raises ``Conflict`` when the client's report of that money waits for an answer, ``DomainError`` for less
    than the first invoice.
    """
    enabling = _enabling(contract_id, money, now=now)
    if not money.on_credit:
        order_reports.refuse_reported(session, contract_id)
        contract = session.get(Contract, contract_id)
        if contract is not None and contract.state == "order":
            refuse_too_little(session, contract.plan_id, money.amount, on=to_local_date(now))
    enable_contract(session, enabling, now=now)


def credit_left(session: Session) -> Decimal:
    """What the distributor in scope may still enable on credit (USD)."""
    limit = session.scalar(select(CreditLimit.amount)) or ZERO
    used = session.scalar(
        select(func.coalesce(func.sum(PortfolioClient.balance), 0)).where(
            PortfolioClient.on_credit, PortfolioClient.released_on.is_(None)
        )
    )
    return limit - Decimal(used or 0)


def give_first_access(client_tenant_id: UUID, owner: Mapping[str, str], *, now: datetime) -> str:
    """Make the owner a member of the new company and mail a one-time link; returns the short code
    that is told by another way. Empty: the person has an access already and keeps it.

    In an audited transaction of its own in the client's scope. Raises ``DomainError`` where the contract
    named nobody.
    """
    if not owner.get("identification"):
        raise DomainError(
            _(
                "Nobody was named for the first access; who works in the company already invites others"
                " under «Company»."
            ),
            code="no_owner",
        )
    with acting_for(client_tenant_id, "gives the owner the first access") as session:
        known = people.find_person(session, owner.get("identification", "")) or people.find_person(
            session, owner.get("email", "")
        )
        if known is not None:
            member = people.membership(session, int(known.id))
            if member is None:
                people.add_member(session, int(known.id), "owner")
            elif not member.is_active:
                raise Conflict(
                    _(
                        "The company has closed this person's access: only its owner opens it again."
                    ),
                    code="access_closed",
                )
            if known.password:
                return ""
            return links.request_link(session, int(known.id), "activation", now=now)
        user_id = people.create_person(
            session,
            identification=owner.get("identification", ""),
            first_name=owner.get("first_name", ""),
            last_name=owner.get("last_name", ""),
            email=owner.get("email", ""),
            now=now,
        )
        people.add_member(session, user_id, "owner")
        return links.request_link(session, user_id, "activation", now=now)


def _order(
    session: Session, wanted: NewClient, *, distributor_id: UUID | None, now: datetime
) -> LicenceOrdered:
    owner = _checked_owner(wanted)
    finding = tax_ids.check_issuer(wanted.tax_id)
    if not finding.is_valid:
        raise DomainError(str(finding.sentence), code=finding.code, field="tax_id")
    if find_by_tax_id(session, finding.number) is not None:
        raise Conflict(
            _("This RUC has a company here already: ask for a transfer instead of a new contract."),
            code="tax_id_taken",
            field="tax_id",
        )
    client_id = companies.create_tenant(
        tax_id=finding.number,
        name=wanted.name,
        now=now,
        profile={"email": wanted.email.strip(), "phone": owner.get("phone", "")},
    )
    return LicenceOrdered(
        contract_id=new_id(),
        kind="first",
        client_tenant_id=client_id,
        client_tax_id=finding.number,
        client_name=wanted.name.strip(),
        client_email=wanted.email.strip(),
        distributor_id=distributor_id,
        plan_id=wanted.plan_id,
        ordered_on=to_local_date(now),
        owner=owner,
    )


def _known_order(session: Session, client: PortfolioClient) -> LicenceOrdered:
    """The order that a row of the portfolio stands for."""
    return LicenceOrdered(
        contract_id=client.contract_id,
        kind="first",
        client_tenant_id=client.client_tenant_id,
        client_tax_id=client.client_tax_id,
        client_name=client.client_name,
        client_email=client.client_email,
        distributor_id=scope_of(session).tenant_id,
        plan_id=client.plan_id,
        ordered_on=client.ordered_on,
        owner=client.owner,
    )


def _checked_owner(wanted: NewClient) -> dict[str, str]:
    owner = {key: value.strip() for key, value in wanted.owner.items()}
    if not wanted.name.strip():
        raise DomainError(_("Write the company's name as in the RUC."), code="name", field="name")
    for field, address in (
        ("email", wanted.email.strip()),
        ("owner_email", owner.get("email", "")),
    ):
        if (
            address.count("@") != 1
            or not all(address.split("@"))
            or any(c.isspace() for c in address)
        ):
            raise DomainError(
                _("The e-mail address is not one: correct it."), code=field, field=field
            )
    if not owner.get("first_name") or not owner.get("last_name"):
        raise DomainError(
            _("Write first and last name of the person who gets the first access."),
            code="owner_name",
            field="owner_first_name",
        )
    if tax_ids.type_of(owner.get("identification", "")) in (None, tax_ids.FINAL_CONSUMER):
        raise DomainError(
            _("The identification of the person is no cédula, RUC or passport: correct it."),
            code="owner_identification",
            field="owner_identification",
        )
    return owner


def _enabling(contract_id: UUID, money: Money, *, now: datetime) -> LicenceEnabling:
    today = to_local_date(now)
    if not money.on_credit and (money.amount <= 0 or money.amount != to_cents(money.amount)):
        raise DomainError(
            _("Write the amount that arrived, such as 34,50."), code="amount", field="amount"
        )
    if money.value_on is not None and money.value_on > today:
        raise DomainError(
            _("The day of the payment lies in the future: enable it once the money is there."),
            code="value_on_future",
            field="value_on",
        )
    settled = replace(money, amount=ZERO) if money.on_credit else money
    return LicenceEnabling(
        contract_id=contract_id,
        on_credit=settled.on_credit,
        amount=settled.amount,
        value_on=settled.value_on or today,
        bank=settled.bank.strip(),
        reference=settled.reference.strip(),
        enabled_at=now,
    )


def _use_credit(session: Session, client: PortfolioClient, *, on: date) -> None:
    """The first invoice with IVA, which is what the client owes, must lie within what the limit leaves."""
    session.scalars(select(CreditLimit).with_for_update()).one_or_none()  # one enabling at a time
    left, wanted = credit_left(session), first_total(session, client.plan_id, on=on)
    if wanted > left:
        raise DomainError(
            _(
                "Your credit limit leaves %(left)s and the first invoice comes to %(wanted)s with IVA:"
                " confirm the money or ask the operator for a larger limit.",
                left=format_money(left),
                wanted=format_money(wanted),
            ),
            code="credit_limit",
            field="on_credit",
        )
    client.balance = wanted


def find_client(session: Session, portfolio_id: UUID) -> PortfolioClient:
    """A client of the distributor in scope. Raises ``NotFound``."""
    found = session.get(PortfolioClient, portfolio_id)
    if found is None:
        raise NotFound
    return found
