"""The tenant's bank accounts, printed where customers pay."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.web.context import Context
from core.web.views import Pages, command, form
from plugins.sales.models import BankAccount

KINDS = ("checking", "savings")


class BankAccountPages(Pages):
    """Where customers pay."""

    route_base = "/sales/accounts"
    permission = "sales.account"

    @form("/", action="write")
    def index(self, ctx: Context) -> Any:
        """The accounts, and the form that adds one."""
        if ctx.submitted:
            ctx.session.add(_typed(ctx))
            ctx.session.flush()
            ctx.flash(_("The account is saved; it stands on invoices and mails from now on."))
            return ctx.go("sales.account.index")
        rows = ctx.session.scalars(
            select(BankAccount).order_by(BankAccount.is_active.desc(), BankAccount.bank)
        ).all()
        return ctx.render("sales/accounts.html", rows=rows)

    @command("/<uuid:account_id>/active", action="write")
    def active(self, ctx: Context, account_id: UUID) -> Any:
        """Use an account, or no longer."""
        account = ctx.session.get(BankAccount, account_id)
        if account is None:
            raise NotFound
        ctx.session.execute(
            update(BankAccount)
            .where(BankAccount.id == account_id)
            .values(is_active=not account.is_active)
        )
        return ctx.go("sales.account.index")


def _typed(ctx: Context) -> BankAccount:
    limits = {"bank": 80, "number": 40, "holder": 200}
    texts = {name: " ".join(ctx.form.get(name, "").split()) for name in limits}
    for name, limit in limits.items():
        if not 0 < len(texts[name]) <= limit:
            raise DomainError(
                _("Fill in bank, number and holder as the bank writes them."),
                code="account_incomplete",
                field=name,
            )
    kind = ctx.form.get("kind", "checking")
    return BankAccount(
        id=new_id(),
        kind=kind if kind in KINDS else "checking",
        holder_tax_id=ctx.form.get("holder_tax_id", "").strip()[:20],
        **texts,
    )
