"""The list of electronic documents, and a document: its state as a sentence, the problem first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from markupsafe import Markup

from core import plugins
from core.contracts.sales import CustomerData
from core.domain import tax_ids
from core.errors import NotFound
from core.i18n import _
from core.web.context import Context
from core.web.paging import count_capped, page_by_key
from core.web.views import Pages, command, form, page
from plugins.einvoice_sri.domain.estados import STANDING, Estado
from plugins.einvoice_sri.domain.tipos import TITULOS
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services import read_documents
from plugins.einvoice_sri.services.amend_document import (
    amend_document,
    has_receiver,
    is_late,
    may_amend,
)
from plugins.einvoice_sri.services.ask_fate import defer_question
from plugins.einvoice_sri.services.cancel_document import (
    annulment_deadline,
    annulment_rules,
    confirm_annulment,
    find_document,
    request_annulment,
    withdraw_annulment,
)
from plugins.einvoice_sri.services.consult_states import defer_consultation
from plugins.einvoice_sri.services.correct_document import correct_document
from plugins.einvoice_sri.services.document_files import files_of, signed_of
from plugins.einvoice_sri.services.issue_purchases import reissue_purchase
from plugins.einvoice_sri.services.pauses import open_pauses, resume
from plugins.einvoice_sri.services.print_ride import print_ride
from plugins.einvoice_sri.services.read_states import TONES, sentence, word
from plugins.einvoice_sri.services.request_documents import request_of

PURCHASE_KINDS = ("03", "07")
KINDS = {kind.value: title.capitalize() for kind, title in TITULOS.items()}


class DocumentPages(Pages):
    """Electronic documents of the company."""

    route_base = "/sri/documents"
    permission = "einvoice_sri.document"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """Documents, newest first; what stops them on top."""
        group, kind = ctx.args.get("group"), ctx.args.get("kind", "")
        if group is None:
            group = read_documents.PRACTISED if read_documents.is_practising(ctx.session) else ""
        query = read_documents.documents(group, kind, ctx.args.get("q", ""))
        columns = [FiscalDocument.issued_on.desc(), FiscalDocument.id.desc()]
        return ctx.render(
            "einvoice_sri/documents.html",
            rows=page_by_key(ctx.session, query, columns, after=ctx.args.get("after")),
            count=count_capped(ctx.session, query),
            group=group,
            has_practised=group == read_documents.PRACTISED
            or read_documents.has_practised(ctx.session),
            kinds=KINDS,
            words=word,
            tones=TONES,
            stops=[(one, *read_documents.pause_words(one)) for one in open_pauses(ctx.session)],
        )

    @page("/<uuid:document_id>", action="read")
    def show(self, ctx: Context, document_id: UUID) -> Any:
        """One document."""
        document = find_document(ctx.session, document_id)
        state = Estado(document.state)
        return ctx.render(
            "einvoice_sri/document.html",
            document=document,
            title=f"{KINDS[document.kind]} {document.number}",
            sentence=sentence(document),
            word=word(document.state),
            tone=TONES[state],
            problem=read_documents.problem_of(ctx.session, document),
            timeline=read_documents.timeline(ctx.session, document),
            is_standing=state in STANDING,
            can_correct=state in (Estado.REJECTED, Estado.PAUSED)
            and not is_late(document, ctx.today),
            can_amend=may_amend(ctx.session, document, ctx.today),
            can_annul=state is Estado.AUTHORIZED,
            is_annulling=state is Estado.ANNULMENT_REQUESTED,
            deadline=annulment_deadline(ctx.session, document.issued_on),
            rules=annulment_rules(ctx.session, document),
            blocks=_blocks(ctx, document_id),
            can_issue_again=state is Estado.ANNULLED and document.kind in PURCHASE_KINDS,
        )

    @page("/<uuid:document_id>/xml", action="read")
    def xml(self, ctx: Context, document_id: UUID) -> Any:
        """The authorised file, or the signed document before that."""
        document = find_document(ctx.session, document_id)
        files = files_of(ctx.session, document)
        content = files.xml if files else signed_of(ctx.session, document)
        if content is None:
            raise NotFound(_("The document is not signed yet: it has no file."))
        return ctx.file(content, f"{document.access_key}.xml", "application/xml")

    @page("/<uuid:document_id>/ride", action="read")
    def ride(self, ctx: Context, document_id: UUID) -> Any:
        """The printed sheet; ``?paper=ticket``: a factura on 80 mm."""
        document = find_document(ctx.session, document_id)
        is_ticket = ctx.args.get("paper") == "ticket"
        content = print_ride(ctx.session, document, is_ticket=is_ticket)
        name = f"{document.access_key}{'-80mm' if is_ticket else ''}.pdf"
        return ctx.file(content, name, "application/pdf", inline=True)

    @command("/<uuid:document_id>/correct", action="correct")
    def correct(self, ctx: Context, document_id: UUID) -> Any:
        """Build, sign and send a refused document again."""
        correct_document(ctx.session, document_id, now=ctx.now)
        ctx.flash(_("The document is sent again with the same number."), "wait")
        return ctx.go("einvoice_sri.document.show", document_id=document_id)

    @form("/<uuid:document_id>/amend", action="correct")
    def amend(self, ctx: Context, document_id: UUID) -> Any:
        """Correct the receiver or the date of a refused document and send it again."""
        document = find_document(ctx.session, document_id)
        if ctx.submitted:
            amended = amend_document(
                ctx.session,
                document_id,
                receiver=_typed_receiver(ctx.form) if has_receiver(document) else None,
                is_dated_today=bool(ctx.form.get("is_dated_today")),
                now=ctx.now,
            )
            ctx.flash(
                _(
                    "Corrected: %(number)s is sent again with the same number.",
                    number=amended.number,
                ),
                "wait",
            )
            return ctx.go("einvoice_sri.document.show", document_id=document_id)
        if not may_amend(ctx.session, document, ctx.today):
            return ctx.go("einvoice_sri.document.show", document_id=document_id)
        return ctx.render(
            "einvoice_sri/amend.html",
            document=document,
            receiver=request_of(document).counterpart,
            has_receiver=has_receiver(document),
            is_late=is_late(document, ctx.today),
            problem=read_documents.problem_of(ctx.session, document),
            types=receiver_types(document.kind),
            today=ctx.today,
        )

    @command("/<uuid:document_id>/annul", action="annul")
    def annul(self, ctx: Context, document_id: UUID) -> Any:
        """Write down that its annulment was requested in SRI's portal."""
        request_annulment(ctx.session, document_id, today=ctx.today, now=ctx.now)
        ctx.flash(_("The request is written down and the receiver is told."))
        return ctx.go("einvoice_sri.document.show", document_id=document_id)

    @command("/<uuid:document_id>/consult", action="correct")
    def consult(self, ctx: Context, document_id: UUID) -> Any:
        """Ask SRI what became of an authorised document; a worker does it."""
        document = find_document(ctx.session, document_id)
        defer_consultation(ctx.session, [document.id])
        ctx.flash(_("SRI is being asked; the answer appears below in a moment."), "wait")
        return ctx.go("einvoice_sri.document.show", document_id=document_id)

    @command("/<uuid:document_id>/ask", action="correct")
    def ask(self, ctx: Context, document_id: UUID) -> Any:
        """Ask SRI again for the key of a document that it refused for its date; a worker does it."""
        defer_question(ctx.session, document_id)
        ctx.flash(_("SRI is being asked; the answer appears below in a moment."), "wait")
        return ctx.go("einvoice_sri.document.show", document_id=document_id)

    @command("/<uuid:document_id>/again", action="annul")
    def again(self, ctx: Context, document_id: UUID) -> Any:
        """Issue an annulled purchase document again with the next number."""
        made = reissue_purchase(ctx.session, document_id, now=ctx.now)
        ctx.flash(_("Issued again as %(number)s.", number=made.number), "wait")
        return ctx.go("einvoice_sri.document.show", document_id=made.id)

    @command("/<uuid:document_id>/annulled", action="annul")
    def annulled(self, ctx: Context, document_id: UUID) -> Any:
        """SRI's portal shows it as annulled."""
        confirm_annulment(ctx.session, document_id, now=ctx.now)
        ctx.flash(_("The document is annulled and the receiver is told."))
        return ctx.go("einvoice_sri.document.show", document_id=document_id)

    @command("/<uuid:document_id>/stands", action="annul")
    def stands(self, ctx: Context, document_id: UUID) -> Any:
        """The annulment did not come about."""
        withdraw_annulment(ctx.session, document_id, now=ctx.now)
        return ctx.go("einvoice_sri.document.show", document_id=document_id)

    @command("/pauses/<uuid:pause_id>/resume", action="correct")
    def resume(self, ctx: Context, pause_id: UUID) -> Any:
        """Lift a stop after its cause was settled."""
        resume(ctx.session, pause_id, now=ctx.now)
        ctx.flash(_("The stop is lifted; the documents go on."), "wait")
        return ctx.go("einvoice_sri.document.index")


def receiver_types(kind: str) -> list[tuple[str, str]]:
    """The kinds of identification that a document of this kind may name."""
    known = [
        (tax_ids.RUC, _("RUC")),
        (tax_ids.CEDULA, _("Cédula")),
        (tax_ids.PASSPORT, _("Passport")),
        (tax_ids.FOREIGN_ID, _("Foreign identification")),
    ]
    if kind == "01":
        known.append((tax_ids.FINAL_CONSUMER, _("Final consumer")))
    return known


def _typed_receiver(typed: Any) -> CustomerData:
    return CustomerData(
        tax_id_type=typed.get("tax_id_type", ""),
        tax_id=typed.get("tax_id", ""),
        legal_name=typed.get("legal_name", ""),
        email=typed.get("email", ""),
        address=typed.get("address", ""),
    )


def _blocks(ctx: Context, document_id: UUID) -> list[Markup]:
    """What other plugins show on a document's page: the invoice that it belongs to."""
    shown = plugins.call(
        "page_blocks",
        tenant=ctx.tenant_id,
        place="einvoice_sri.document",
        session=ctx.session,
        subject_id=document_id,
        now=ctx.now,
    )
    return [Markup(one) for one in shown if one]  # noqa: S704  (made by plugins as HTML)
