"""Pages of the operator: companies, calendar, taxes, plugins."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import func, or_, select

from core.db.session import acting_for, platform_scope
from core.domain import tax_ids
from core.domain.money import to_micros
from core.errors import Conflict, DomainError, NotFound
from core.i18n import gettext as _
from core.i18n import lazy
from core.models import Holiday, Membership, TaxRate, Tenant
from core.security import members
from core.services import companies
from core.services.audit import write_audit
from core.web.context import Context
from core.web.pages.company import read_day
from core.web.paging import page_by_key
from core.web.views import Pages, command, form, page

KINDS = (("company", lazy("Company")), ("distributor", lazy("Distributor")))
KIND_WORDS = dict(KINDS) | {"operator": lazy("Operator")}
TAXES = (
    ("2", lazy("IVA")),
    ("3", lazy("ICE")),
    ("5", lazy("IRBPNR")),
    ("ret1", lazy("Income tax withholding")),
    ("ret2", lazy("IVA withholding")),
)


class PlatformPages(Pages):
    """What belongs to the installation, not to one company."""

    permission = "core.platform"
    route_base = "/platform"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """Companies of the installation, by name; looking is recorded."""
        query = ctx.args.get("q", "").strip()
        found = select(Tenant)
        if query:
            found = found.where(
                or_(
                    Tenant.tax_id.startswith(tax_ids.normalise(query)[:13], autoescape=True),
                    Tenant.name.icontains(query, autoescape=True),
                )
            )
        with platform_scope("list the companies") as session:
            listed = page_by_key(
                session, found, [Tenant.name, Tenant.id], after=ctx.args.get("after")
            )
            people = dict(
                session.execute(
                    select(Membership.tenant_id, func.count())
                    .where(
                        Membership.tenant_id.in_([one.id for one in listed.rows]),
                        Membership.is_active,
                    )
                    .group_by(Membership.tenant_id)
                ).all()
            )
        return ctx.render(
            "core/tenants.html", listed=listed, people=people, query=query, kinds=KIND_WORDS
        )

    @form("/companies/new", action="write")
    def new_tenant(self, ctx: Context) -> Any:
        """Create a company or distributor and invite the person in charge."""
        if not ctx.submitted:
            return ctx.render("core/tenant_new.html", kinds=KINDS)
        kind = ctx.form.get("kind", "company")
        if kind not in dict(KINDS):
            raise DomainError(_("Choose one of the list."), code="kind", field="kind")
        _check_person(ctx)
        tenant_id = companies.create_tenant(
            tax_id=ctx.form.get("tax_id", ""),
            name=ctx.form.get("name", ""),
            kind=kind,
            now=ctx.now,
            profile={"email": ctx.form.get("email", "").strip()[:200]},
        )
        with acting_for(tenant_id, "invite the person in charge") as session:
            code = members.invite_member(
                session,
                kind=kind,
                identification=ctx.form.get("identification", ""),
                first_name=ctx.form.get("first_name", ""),
                last_name=ctx.form.get("last_name", ""),
                email=ctx.form.get("email", ""),
                role=members.ROLES_OF_KIND[kind][0],
                now=ctx.now,
            )
        return ctx.render("core/member_code.html", code=code, email=ctx.form.get("email", ""))

    @form("/holidays", action="write")
    def holidays(self, ctx: Context) -> Any:
        """The days on which banks and SRI do not work."""
        if not ctx.submitted:
            since = ctx.today.replace(month=1, day=1)
            rows = ctx.session.scalars(
                select(Holiday).where(Holiday.on_date >= since).order_by(Holiday.on_date)
            )
            return ctx.render("core/holidays.html", rows=list(rows))
        on_date = read_day(ctx.form.get("on_date", ""), "on_date")
        name = ctx.form.get("name", "").strip()[:120]
        if not name:
            raise DomainError(_("Write the name of the holiday."), code="empty", field="name")
        if ctx.session.scalar(select(Holiday.id).where(Holiday.on_date == on_date)) is not None:
            raise Conflict(_("This day is in the list already."), code="taken", field="on_date")
        ctx.session.add(Holiday(on_date=on_date, name=name))
        write_audit(ctx.session, action="holiday.add", details={"on": str(on_date), "name": name})
        ctx.flash(_("Saved."))
        return ctx.go("core.platform.holidays")

    @command("/holidays/<uuid:holiday_id>/remove", action="write")
    def remove_holiday(self, ctx: Context, holiday_id: UUID) -> Any:
        """Take a day out of the list (a decree moved it)."""
        row = ctx.session.get(Holiday, holiday_id)
        if row is None:
            raise NotFound
        write_audit(ctx.session, action="holiday.remove", details={"on": str(row.on_date)})
        ctx.session.delete(row)
        ctx.flash(_("Saved."))
        return ctx.go("core.platform.holidays")

    @form("/taxes", action="write")
    def taxes(self, ctx: Context) -> Any:
        """The dated tax rates; a new one closes the one before on the eve."""
        tax = ctx.args.get("tax", "2")
        tax = tax if tax in dict(TAXES) else "2"
        if not ctx.submitted:
            rows = ctx.session.scalars(
                select(TaxRate)
                .where(TaxRate.tax == tax)
                .order_by(TaxRate.code, TaxRate.valid_from.desc())
            )
            return ctx.render(
                "core/taxes.html", rows=list(rows), taxes=TAXES, tax=tax, today=ctx.today
            )
        row = _read_rate(ctx)
        _close_previous(ctx, row)
        ctx.session.add(row)
        write_audit(
            ctx.session,
            action="tax_rate.add",
            details={
                "tax": row.tax,
                "code": row.code,
                "rate": str(row.rate),
                "from": str(row.valid_from),
            },
        )
        ctx.flash(_("Saved."))
        return ctx.go("core.platform.taxes", tax=row.tax)

    @page("/plugins")
    def plugins(self, ctx: Context) -> Any:
        """What is installed, enabled and well."""
        host = current_app.extensions["yupana"].host
        return ctx.render("core/plugins.html", plugins=host.installed)


def _check_person(ctx: Context) -> None:
    """Refuse before the company exists what would be refused after."""
    for name in ("first_name", "last_name"):
        if not ctx.form.get(name, "").strip():
            raise DomainError(_("Write names and surnames."), code="member.name", field=name)
    number = tax_ids.normalise(ctx.form.get("identification", ""))
    if tax_ids.type_of(number) in (None, tax_ids.FINAL_CONSUMER):
        raise DomainError(
            _("The identification is no cédula, RUC or passport: correct it."),
            code="identification",
            field="identification",
        )
    email = ctx.form.get("email", "").strip()
    if email.count("@") != 1 or not all(email.split("@")) or any(c.isspace() for c in email):
        raise DomainError(
            _("The e-mail address is not one: correct it."), code="email", field="email"
        )


def _read_rate(ctx: Context) -> TaxRate:
    tax, code = ctx.form.get("tax", ""), ctx.form.get("code", "").strip()
    label = ctx.form.get("label", "").strip()
    if tax not in dict(TAXES):
        raise DomainError(_("Choose one of the list."), code="tax", field="tax")
    if not code or len(code) > 8:
        raise DomainError(_("Write the code of SRI's table."), code="code", field="code")
    if not label or len(label) > 300:
        raise DomainError(_("Write what the rate is for."), code="label", field="label")
    try:
        typed = Decimal(ctx.form.get("rate", "").strip().replace(",", "."))
        rate = to_micros(typed) if typed.is_finite() else Decimal(-1)
    except InvalidOperation:
        rate = Decimal(-1)
    if not 0 <= rate <= 1000:
        raise DomainError(_("Write a percentage such as 15 or 1,75."), code="rate", field="rate")
    return TaxRate(
        tax=tax,
        code=code,
        label=label,
        rate=rate,
        valid_from=read_day(ctx.form.get("valid_from", ""), "valid_from"),
    )


def _close_previous(ctx: Context, row: TaxRate) -> None:
    before = ctx.session.scalar(
        select(TaxRate)
        .where(TaxRate.tax == row.tax, TaxRate.code == row.code)
        .order_by(TaxRate.valid_from.desc())
        .limit(1)
    )
    if before is None:
        return
    if before.valid_from >= row.valid_from:
        raise Conflict(
            _("There is a later rate of this code: choose a date after it."),
            code="taken",
            field="valid_from",
        )
    if before.valid_to is None or before.valid_to >= row.valid_from:
        before.valid_to = row.valid_from - timedelta(days=1)


PAGES = (PlatformPages,)
