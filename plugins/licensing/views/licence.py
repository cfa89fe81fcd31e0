"""«My licence»: the state as a sentence, invoices, "Ya pagué", cancel, re-entry, usage, legal documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for

from core.errors import NotFound
from core.i18n import _
from core.ids import new_id
from core.services import blobs
from core.web.context import Context
from core.web.typed import read_ids
from core.web.views import Pages, command, form, page
from plugins.licensing.domain.lifecycle import STATES, after, allows
from plugins.licensing.models import PaymentReportRow
from plugins.licensing.services import (
    adviser_cards,
    choose_plan,
    come_back,
    credit_drafts,
    explain,
    first_access,
    keep_licence,
    keep_portfolio,
    legal_copy,
    letters,
    pay_many,
    read_ahead,
    report_payment,
    trainings,
)
from plugins.licensing.services.installed_licence import read_installed, verdict_sentence
from plugins.licensing.services.standing import Standing, find_licence, read_standing
from plugins.licensing.views.typed_report import typed_report, warn_of_twins


class LicencePages(Pages):
    """What a client sees of its own licence; open in every state of it."""

    route_base = "/licence"
    permission = "licensing.licence"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """State, next dates, invoices, reports, usage."""
        standing = read_standing(ctx.session, now=ctx.now)
        if standing is None:
            verdict = read_installed(ctx.session, now=ctx.now)
            if verdict is None:
                return ctx.render("licensing/no_licence.html")
            return ctx.render(
                "licensing/installed.html",
                licence=verdict.licence,
                tone=explain.TONE_OF_VERDICT.get(verdict.code, "bad"),
                sentence=verdict_sentence(verdict, installed=True),
                usage=explain.read_document_usage(ctx.session, verdict.licence, now=ctx.now),
                has_documents=legal_copy.has_documents(ctx.session),
            )
        return ctx.render(
            "licensing/licence.html",
            standing=standing,
            state=STATES[standing.state],
            sentence=explain.state_sentence(standing),
            changes=explain.change_sentences(standing),
            invoices=keep_licence.read_invoices(ctx.session),
            coming=read_ahead.read_coming(standing.licence, standing.state),
            explained=read_ahead.explain,
            reports=keep_licence.read_reports(ctx.session),
            usage=explain.read_usage(ctx.session, standing, now=ctx.now),
            journey=first_access.read_journey(ctx.session, now=ctx.now),
            offers=keep_portfolio.read_offers(ctx.session),
            can={one: allows(standing.state, one) for one in ("cancel", "change", "reenter")},
            report_badges=explain.report_badges(),
            drafts=credit_drafts.read_drafts(ctx.session),
            has_documents=legal_copy.has_documents(ctx.session),
            card=adviser_cards.read_card(standing.licence),
        )

    @form("/report", action="report")
    def report(self, ctx: Context) -> Any:
        """«Ya pagué»: where the whole debt is told, access is back when the answer arrives."""
        standing = _licence(ctx)
        if ctx.submitted:
            row = report_payment.report_payment(ctx.session, typed_report(ctx), now=ctx.now)
            told = _licence(ctx)
            ctx.flash(
                explain.order_report_sentence(told)
                if standing.state == "order" and not standing.licence.is_reentry
                else explain.report_sentence(told, row)
            )
            warn_of_twins(ctx, [row])
            is_return = standing.state == "expired" or (
                standing.licence.is_reentry and standing.licence.started_on is None
            )
            return ctx.go("licensing.licence.come_back" if is_return else "licensing.licence.index")
        rows = [one for one in keep_licence.read_invoices(ctx.session) if one.state == "open"]
        return ctx.render(
            "licensing/report.html",
            standing=standing,
            invoices=rows,
            chosen=set(ctx.form.getlist("invoices")) or {str(one.invoice_id) for one in rows},
            amount=sum(one.balance for one in rows) or standing.order_missing,
            accounts=_accounts(ctx),
            form_key=ctx.form.get("form_key") or str(new_id()),
        )

    @form("/report-many", action="report")
    def report_many(self, ctx: Context) -> Any:
        """One transfer told for several companies of the same person."""
        balances = pay_many.open_balances(ctx.user_id, now=ctx.now)
        if ctx.submitted:
            made = pay_many.report_for_many(
                ctx.user_id,
                typed_report(ctx),
                tuple(read_ids(ctx.form.getlist("companies"))),
                now=ctx.now,
            )
            ctx.flash(_("Your payment is reported for %(count)s companies.", count=len(made)))
            warn_of_twins(ctx, made)
            return ctx.go("licensing.licence.index")
        return ctx.render(
            "licensing/report_many.html",
            balances=balances,
            accounts=_accounts(ctx),
            form_key=ctx.form.get("form_key") or str(new_id()),
        )

    @page("/slips/<uuid:report_id>")
    def slip(self, ctx: Context, report_id: UUID) -> Any:
        """The slip of an own report."""
        row = ctx.session.get(PaymentReportRow, report_id)
        if row is None or row.slip_blob_id is None:
            raise NotFound
        blob = blobs.read(ctx.session, row.slip_blob_id)
        return ctx.file(blob.content, blob.filename, blob.media_type)

    @form("/cancel", action="decide")
    def cancel(self, ctx: Context) -> Any:
        """One click, with the computed last day before and after."""
        standing = _licence(ctx)
        if ctx.submitted:
            farewell = keep_licence.cancel_licence(ctx.session, now=ctx.now)
            ctx.flash(explain.farewell_sentence(farewell))
            return ctx.go("licensing.licence.index")
        after(standing.state, "cancel")  # else it says why not
        not_begun = keep_licence.not_begun_numbers(ctx.session, standing, on=ctx.today)
        return ctx.render(
            "licensing/cancel.html",
            standing=standing,
            numbers=keep_licence.open_numbers(ctx.session, standing),
            undo=explain.undo_sentence(not_begun) if not_begun else "",
        )

    @form("/plan", action="decide")
    def plan(self, ctx: Context) -> Any:
        """Another plan: what each costs now, or from when it counts; then the choice."""
        standing = _licence(ctx)
        if ctx.submitted:
            quote = choose_plan.ask_plan(ctx.session, ctx.uuid("plan_id"), now=ctx.now)
            ctx.flash(choose_plan.asked_sentence(quote))
            return ctx.go("licensing.licence.index")
        refusal = choose_plan.refusal_of(standing)
        return ctx.render(
            "licensing/plan.html",
            licence=standing.licence,
            refusal=refusal,
            choices={} if refusal else choose_plan.read_choices(standing.licence, now=ctx.now),
            back=url_for("licensing.licence.index"),
            back_word=_("My licence"),
        )

    @command("/reenter", action="decide")
    def reenter(self, ctx: Context) -> Any:
        """Order one month more; the checkout goes on with how to pay."""
        come_back.order_month(
            ctx.session,
            plan_id=ctx.uuid("plan_id"),
            renews=bool(ctx.form.get("renews")),
            now=ctx.now,
        )
        return ctx.go("licensing.licence.come_back")

    @page("/return")
    def come_back(self, ctx: Context) -> Any:
        """The checkout of a month: what it costs, what is owed, accounts and code, report, access back."""
        standing = _licence(ctx)
        step = come_back.step_of(standing)
        if step is None:
            return ctx.go("licensing.licence.index")
        return ctx.render(
            "licensing/return.html",
            standing=standing,
            step=step,
            sentence=explain.state_sentence(standing),
            quotes=come_back.read_quotes(standing.licence, today=ctx.today)
            if step == "choose"
            else {},
            owed=come_back.owed(ctx.session, standing) if step == "choose" else [],
            amount=standing.order_missing,
            accounts=_accounts(ctx),
            form_key=str(new_id()),
        )

    @command("/transfer", action="decide")
    def transfer(self, ctx: Context) -> Any:
        """Ask for another distributor."""
        name = keep_licence.ask_for_transfer(
            ctx.session, ctx.form.get("distributor", "").strip(), now=ctx.now
        )
        ctx.flash(_("%(name)s looks after you from the next day 25 on.", name=name))
        return ctx.go("licensing.licence.index")

    @page("/help")
    def help(self, ctx: Context) -> Any:
        """Tutorials, group training, whom to ask and what a question costs."""
        licence = find_licence(ctx.session)
        if licence is None:
            return ctx.render("licensing/no_licence.html")
        contact = licence.contact or {}
        return ctx.render(
            "licensing/help.html",
            contact=contact,
            training=[line.strip() for line in contact.get("training", "").splitlines() if line],
            upcoming=trainings.read_upcoming(ctx.session, now=ctx.now),
            card=adviser_cards.read_card(licence),
            hours=letters.hours_sentence(licence),
            has_journey=first_access.read_journey(ctx.session, now=ctx.now) is not None,
        )

    @page("/first-access")
    def first_access(self, ctx: Context) -> Any:
        """The checklist of a new company, with its timer."""
        journey = first_access.read_journey(ctx.session, now=ctx.now)
        if journey is None:
            raise NotFound
        return ctx.render("licensing/first_access.html", journey=journey)


def _licence(ctx: Context) -> Standing:
    standing = read_standing(ctx.session, now=ctx.now)
    if standing is None:
        raise NotFound(_("This company has no licence."))
    return standing


def _accounts(ctx: Context) -> list[str]:
    """The vendor's accounts that the licence names: asked for where there are several (A-31)."""
    licence = find_licence(ctx.session)
    return [str(one) for one in (licence.accounts or [])] if licence else []
