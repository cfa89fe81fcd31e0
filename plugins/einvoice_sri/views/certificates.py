"""The certificate vault: upload, look into, hand over, give a link to upload, wipe. No download."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import url_for

from core.adapters.clock import at_local, to_local_date
from core.errors import DomainError, NotFound
from core.i18n import _
from core.web.context import Context
from core.web.views import Pages, command, form, page
from plugins.einvoice_sri.adapters.p12_store import open_signing_file
from plugins.einvoice_sri.domain.certificado import Certificado, read_certificado
from plugins.einvoice_sri.domain.p12 import MAX_P12_BYTES, avisos_of
from plugins.einvoice_sri.services import certificates as vault
from plugins.einvoice_sri.services import p12_links
from plugins.einvoice_sri.services.p12_expiry import days_left
from plugins.einvoice_sri.services.tell_certificates import tell_certificate


class CertificatePages(Pages):
    """What the owner does with certificates; distributor and adviser may look."""

    route_base = "/sri/certificates"
    permission = "einvoice_sri.certificate"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """All certificates; which one signs."""
        current = vault.current_certificate(ctx.session, ctx.now)
        rows = vault.list_certificates(ctx.session)
        return ctx.render(
            "einvoice_sri/certificates.html",
            rows=rows,
            current_id=current.id if current else None,
            days={row.id: days_left(row, ctx.now) for row in rows},
            now=ctx.now,
            links=p12_links.open_links(ctx.session, now=ctx.now),
        )

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Upload a P12 file: look into it first, or keep it at once."""
        shown: dict[str, Any] = {"opened": None, "usages": ""}
        if ctx.submitted:
            data, password = uploaded(ctx)
            if ctx.form.get("do") == "inspect":
                opened = open_signing_file(data, password, ctx.now)
                shown = {
                    "opened": opened,
                    "usages": usage_words(opened.eleccion.par.certificado),
                    "is_own": opened.titular.matches(vault.company_ruc(ctx.session)),
                }
            else:
                added = vault.add_certificate(
                    ctx.session,
                    data=data,
                    password=password,
                    use_from=read_day(ctx, "use_from"),
                    signer=ctx.form.get("signer", ""),
                    now=ctx.now,
                )
                tell_certificate(ctx.session, now=ctx.now)
                ctx.flash(_("The certificate is kept and its test signature is correct."))
                return ctx.go("einvoice_sri.certificate.show", certificate_id=added)
        return ctx.render(
            "einvoice_sri/certificate_new.html", ruc=vault.company_ruc(ctx.session), **shown
        )

    @page("/<uuid:certificate_id>", action="read")
    def show(self, ctx: Context, certificate_id: UUID) -> Any:
        """One certificate: whose it is, what it is for, its dates, why it was chosen."""
        row = vault.find_certificate(ctx.session, certificate_id)
        current = vault.current_certificate(ctx.session, ctx.now)
        read = read_certificado(row.certificate)
        return ctx.render(
            "einvoice_sri/certificate.html",
            row=row,
            is_current=current is not None and current.id == row.id,
            usages=usage_words(read),
            reason=reason_words(row.chosen_because),
            warnings=avisos_of(read, ctx.now),
            left=days_left(row, ctx.now),
            use_from=to_local_date(row.use_from),
        )

    @command("/<uuid:certificate_id>/use-from", action="write")
    def move(self, ctx: Context, certificate_id: UUID) -> Any:
        """Change the hand-over date; empty: from now on."""
        vault.set_use_from(
            ctx.session,
            certificate_id,
            use_from=read_day(ctx, "use_from") or ctx.now,
            now=ctx.now,
        )
        ctx.flash(_("The hand-over date is saved."))
        return ctx.go("einvoice_sri.certificate.show", certificate_id=certificate_id)

    @command("/<uuid:certificate_id>/wipe", action="write")
    def wipe(self, ctx: Context, certificate_id: UUID) -> Any:
        """Destroy the key; a reason is asked for."""
        reason = ctx.form.get("reason", "").strip()
        if not reason:
            raise DomainError(
                _("Write why the certificate is wiped."), code="reason_missing", field="reason"
            )
        vault.wipe_certificate(ctx.session, certificate_id, reason=reason, now=ctx.now)
        ctx.flash(_("The key of the certificate no longer exists."))
        return ctx.go("einvoice_sri.certificate.index")

    @form("/link", action="write")
    def link(self, ctx: Context) -> Any:
        """Make a one-time link; it is shown once."""
        address = ""
        if ctx.submitted:
            token = p12_links.make_link(
                ctx.session,
                secret=secrets.token_urlsafe(32),
                note=ctx.form.get("note", ""),
                now=ctx.now,
            )
            address = url_for("einvoice_sri.upload.upload", token=token, _external=True)
        return ctx.render("einvoice_sri/certificate_link.html", address=address)

    @command("/link/revoke", action="write")
    def revoke(self, ctx: Context) -> Any:
        """Close every link that was not used."""
        p12_links.revoke_links(ctx.session, now=ctx.now)
        ctx.flash(_("The open links are closed."))
        return ctx.go("einvoice_sri.certificate.index")


class UploadPages(Pages):
    """What somebody with a one-time link sees: the company's name and the form."""

    route_base = "/sri/upload"
    blueprint = "einvoice_sri.upload"
    public = True

    @form("/<token>", action="write")
    def upload(self, ctx: Context, token: str) -> Any:
        """Upload one P12 file for the company that gave the link."""
        if ctx.submitted:
            data, password = uploaded(ctx)
            p12_links.upload_by_link(
                token, data=data, password=password, signer=ctx.form.get("signer", ""), now=ctx.now
            )
            return ctx.render("einvoice_sri/upload_done.html")
        try:
            company = p12_links.link_company(token, now=ctx.now)
        except NotFound:
            raise
        except DomainError as closed:
            return ctx.render("einvoice_sri/upload_closed.html", closed=closed, status=410)
        return ctx.render("einvoice_sri/upload.html", company=company)


def uploaded(ctx: Context) -> tuple[bytes, str]:
    """The file and password that were sent. Raises ``DomainError`` when there is no file."""
    file = ctx.files.get("p12")
    data = file.stream.read(MAX_P12_BYTES + 1) if file is not None else b""
    if not data:
        raise DomainError(
            _("Choose the P12 file of the signature (.p12 or .pfx)."),
            code="sri_p12_missing",
            field="p12",
        )
    return data, ctx.form.get("password", "")


def read_day(ctx: Context, name: str) -> datetime | None:
    """The start of a typed day in Guayaquil; None when empty."""
    text = ctx.form.get(name, "").strip()
    if not text:
        return None
    try:
        return at_local(date.fromisoformat(text))
    except ValueError as error:
        raise DomainError(
            _("Write the date as day/month/year."), code="date", field=name
        ) from error


def usage_words(certificado: Certificado) -> str:
    """What the certificate is for, for a person."""
    usage = certificado.key_usage
    if usage is None:
        return _("any use")
    words = {
        "digitalSignature": _("signing"),
        "nonRepudiation": _("non-repudiation"),
        "keyEncipherment": _("encrypting keys"),
        "dataEncipherment": _("encrypting data"),
        "keyCertSign": _("issuing certificates"),
    }
    return ", ".join(words.get(one, one) for one in sorted(usage)) or _("none")


def reason_words(reason: str) -> str:
    """Why this key of the file was chosen."""
    return {
        "only": _("It is the only key with a certificate in the file."),
        "valid": _("It is the one that is valid today."),
        "signature": _("It is the one made for signing; the other one is for encryption."),
        "latest": _("Of those that sign, it is valid the longest."),
    }.get(reason, reason)
