"""Bank statements: upload, say which column is what, look at what settled and what is a suggestion."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.errors import NotFound
from core.i18n import _, lazy
from core.models import Blob
from core.web.context import Context
from core.web.paging import page_by_key
from core.web.views import Pages, command, form, page
from plugins.sales.adapters.spreadsheets import LARGEST, read_table
from plugins.sales.domain.statements import FIELDS, from_header, guess_mapping
from plugins.sales.models import BankAccount, Customer, Payment, StatementRow
from plugins.sales.services import find_sales
from plugins.sales.services.import_statements import ignore_row, import_statement, settle_row
from plugins.sales.services.keep_uploads import keep_upload, take_upload

FIELD_WORDS = (
    ("value_on", lazy("Date")),
    ("amount", lazy("Credit (money in)")),
    ("reference", lazy("Reference")),
    ("description", lazy("Description")),
    ("kind", lazy("Credit or debit (if the bank tells it apart)")),
)


class BankStatementPages(Pages):
    """What the bank says."""

    route_base = "/sales/statements"
    permission = "sales.payment"
    blueprint = "sales.statement"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """Rows that wait for a decision, or by chip those that are settled or ignored."""
        show = ctx.args.get("show", "open")
        states = {"settled": ["settled"], "ignored": ["ignored"]}.get(
            show, ["suggested", "unmatched"]
        )
        whose = func.coalesce(Payment.customer_id, StatementRow.suggested_customer_id)
        found: Any = (
            select(StatementRow, Customer.legal_name)
            .outerjoin(Payment, Payment.id == StatementRow.payment_id)
            .outerjoin(Customer, Customer.id == whose)
            .where(StatementRow.state.in_(states))
        )
        rows = page_by_key(
            ctx.session, found, [StatementRow.id.desc()], after=ctx.args.get("after")
        )
        return ctx.render("sales/statements.html", page=rows, show=show)

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Step 1: choose the file and the account."""
        if ctx.submitted:
            upload = ctx.files.get("file")
            content = upload.stream.read(LARGEST + 1) if upload else b""
            read_table(content)
            account_id = ctx.uuid("account_id")
            if account_id is not None and ctx.session.get(BankAccount, account_id) is None:
                raise NotFound
            kept = keep_upload(ctx.session, content, (upload.filename if upload else "") or "")
            return ctx.go("sales.statement.columns", blob_id=kept, account_id=account_id or "")
        return ctx.render(
            "sales/statement_new.html", accounts=find_sales.bank_accounts(ctx.session)
        )

    @form("/columns/<uuid:blob_id>", action="write")
    def columns(self, ctx: Context, blob_id: UUID) -> Any:
        """Step 2: which column is what; the guess is filled in."""
        blob = ctx.session.get(Blob, blob_id)
        if blob is None or blob.media_type != "application/octet-stream":
            raise NotFound
        rows = from_header(read_table(blob.content))
        mapping = guess_mapping(rows[0])
        if ctx.submitted:
            typed = {name: _column(ctx.form.get(name, "")) for name in FIELDS}
            result = import_statement(
                ctx.session,
                rows,
                {name: at for name, at in typed.items() if at >= 0},
                account_id=ctx.uuid("account_id"),
                filename=blob.filename,
                user_id=ctx.user_id,
                now=ctx.now,
            )
            take_upload(ctx.session, blob_id)
            ctx.flash(
                _(
                    "%(settled)s settled, %(suggested)s suggestions, %(unmatched)s without owner,"
                    " %(known)s known from before.",
                    settled=result.settled,
                    suggested=result.suggested,
                    unmatched=result.unmatched,
                    known=result.known,
                )
            )
            if result.unread:
                ctx.flash(
                    _(
                        "Left out because their day does not exist (rows: %(count)s): %(days)s."
                        " Correct them in the file and import it again.",
                        count=len(result.unread),
                        days=", ".join(result.unread[:3]),
                    ),
                    "warn",
                )
            return ctx.go("sales.statement.index")
        return ctx.render(
            "sales/statement_columns.html",
            header=rows[0],
            sample=rows[1:6],
            mapping=mapping,
            fields=FIELD_WORDS,
            account_id=ctx.args.get("account_id", ""),
            blob_id=blob_id,
        )

    @command("/rows/<uuid:row_id>/settle", action="write")
    def settle(self, ctx: Context, row_id: UUID) -> Any:
        """Take the suggestion, or name the customer by identification."""
        number = "".join(ctx.form.get("tax_id", "").split())
        settle_row(ctx.session, row_id, tax_id=number, user_id=ctx.user_id, now=ctx.now)
        ctx.flash(_("The payment is recorded."))
        return ctx.go("sales.statement.index")

    @command("/rows/<uuid:row_id>/ignore", action="write")
    def ignore(self, ctx: Context, row_id: UUID) -> Any:
        """This credit is no customer's payment."""
        ignore_row(ctx.session, row_id)
        return ctx.go("sales.statement.index")


def _column(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 4 else -1
