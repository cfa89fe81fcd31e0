"""The company: what it prints, its regime, and the way to everything that is set up once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.errors import Conflict, DomainError, NotFound
from core.i18n import gettext as _
from core.i18n import lazy
from core.models import CompanyProfile, TaxRegime
from core.services import blobs, companies
from core.services.audit import write_audit
from core.web.context import Context
from core.web.typed import read_day
from core.web.views import Pages, command, form, page

REGIMES = (
    ("general", lazy("General regime")),
    ("rimpe_emprendedor", lazy("RIMPE, entrepreneur")),
    ("rimpe_popular", lazy("RIMPE, small business (negocio popular)")),
)
LENGTHS = {
    "legal_name": 300,
    "trade_name": 300,
    "head_office_address": 300,
    "email": 200,
    "phone": 40,
}


class CompanyPages(Pages):
    """Profile, logo and regime."""

    permission = "core.company"
    route_base = "/company"

    @page("/")
    def show(self, ctx: Context) -> Any:
        """What the company prints, and the sections of its set-up."""
        return ctx.render(
            "core/company.html",
            profile=find_profile(ctx),
            regime=companies.regime(ctx.session, ctx.today),
            regimes=dict(REGIMES),
        )

    @form("/edit", action="write")
    def edit(self, ctx: Context) -> Any:
        """Names, address, contact and logo."""
        profile = find_profile(ctx)
        if not ctx.submitted:
            return ctx.render("core/company_edit.html", profile=profile)
        for name, length in LENGTHS.items():
            value = ctx.form.get(name, "").strip()
            if len(value) > length:
                raise DomainError(
                    _("At most %(count)s characters fit here.", count=length),
                    code="length",
                    field=name,
                )
            setattr(profile, name, value)
        if not profile.legal_name:
            raise DomainError(
                _("Write the legal name (razón social) as in the RUC."),
                code="empty",
                field="legal_name",
            )
        logo = ctx.files.get("logo")
        if logo is not None and logo.filename:
            profile.logo_blob_id = blobs.store(
                ctx.session, logo.read(), logo.mimetype, logo.filename, field="logo"
            )
        ctx.session.add(profile)
        write_audit(ctx.session, action="company.edit")
        ctx.flash(_("Saved."))
        return ctx.go("core.company.show")

    @page("/logo")
    def logo(self, ctx: Context) -> Any:
        """The logo as a picture."""
        profile = find_profile(ctx)
        if profile.logo_blob_id is None:
            raise NotFound
        blob = blobs.read(ctx.session, profile.logo_blob_id)
        return ctx.file(blob.content, blob.filename or "logo", blob.media_type, inline=True)

    @command("/logo/remove", action="write")
    def remove_logo(self, ctx: Context) -> Any:
        """Print without a logo."""
        find_profile(ctx).logo_blob_id = None
        ctx.flash(_("Saved."))
        return ctx.go("core.company.edit")

    @form("/regime", action="write")
    def regime(self, ctx: Context) -> Any:
        """The regime from a date on; each January it is confirmed."""
        if not ctx.submitted:
            rows = ctx.session.scalars(select(TaxRegime).order_by(TaxRegime.valid_from.desc()))
            return ctx.render(
                "core/regime.html",
                rows=list(rows),
                now_in=companies.regime(ctx.session, ctx.today),
                regimes=REGIMES,
                words=dict(REGIMES),
                today=ctx.today,
            )
        valid_from = read_day(ctx.form.get("valid_from", ""), "valid_from")
        wanted = ctx.form.get("regime", "")
        if wanted not in dict(REGIMES):
            raise DomainError(_("Choose a regime of the list."), code="regime", field="regime")
        row = ctx.session.scalar(select(TaxRegime).where(TaxRegime.valid_from == valid_from))
        row = row or TaxRegime(valid_from=valid_from)
        row.regime = wanted
        row.keeps_accounts = bool(ctx.form.get("keeps_accounts"))
        for name, length in (
            ("withholding_agent_resolution", 20),
            ("special_taxpayer_resolution", 20),
            ("large_taxpayer_resolution", 60),
        ):
            value = ctx.form.get(name, "").strip()
            if len(value) > length:
                raise DomainError(
                    _("At most %(count)s characters fit here.", count=length),
                    code="length",
                    field=name,
                )
            setattr(row, name, value)
        row.confirmed_on = ctx.today
        ctx.session.add(row)
        write_audit(
            ctx.session,
            action="company.regime",
            details={"regime": wanted, "from": str(valid_from)},
        )
        ctx.flash(_("The regime holds from %(day)s on.", day=f"{valid_from:%d/%m/%Y}"))
        return ctx.go("core.company.regime")

    @command("/regime/confirm", action="write")
    def confirm_regime(self, ctx: Context) -> Any:
        """January: the regime is the same this year."""
        row = companies.regime(ctx.session, ctx.today)
        if row.id is None:
            raise Conflict(_("Record the regime first."), code="regime.none")
        row.confirmed_on = ctx.today
        write_audit(ctx.session, action="company.regime.confirm", subject_id=row.id)
        ctx.flash(_("Confirmed for %(year)s.", year=ctx.today.year))
        return ctx.go("core.company.regime")


def find_profile(ctx: Context) -> CompanyProfile:
    """The profile of the company in scope, a new one where there is none yet."""
    found = ctx.session.scalar(select(CompanyProfile))
    assert ctx.identity is not None
    assert ctx.identity.tenancy is not None
    return found or CompanyProfile(legal_name=ctx.identity.tenancy.name)


PAGES = (CompanyPages,)
