"""From a request to the bytes that are to be signed, with everything that forbids sending them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from core.contracts.fiscal import CreditNoteRequest, DebitNoteRequest, FiscalRequest
from core.errors import DomainError
from core.i18n import _
from plugins.einvoice_sri.domain import from_request, validaciones, xml
from plugins.einvoice_sri.domain.clave_acceso import ClaveInvalida
from plugins.einvoice_sri.domain.hallazgos import Hallazgo
from plugins.einvoice_sri.domain.tipos import Regimen
from plugins.einvoice_sri.services.read_issuer import IssuerReader


class NotIssuable(Exception):
    """Our own checks refuse the document before SRI sees it; ``findings`` say why."""

    def __init__(self, findings: Sequence[Hallazgo]) -> None:
        super().__init__("; ".join(one.en_palabras for one in findings))
        self.findings = list(findings)


def build_document(
    request: FiscalRequest, issuers: IssuerReader, *, environment: int, today: date
) -> tuple[str, bytes]:
    """Access key and canonical bytes of a request. Raises ``NotIssuable``."""
    emisor = issuers.emisor(
        branch_code=request.branch_code, on=request.issued_on, environment=environment
    )
    if not emisor.dir_matriz.strip():
        sentence = _("The company has no address yet: write it under Company, then try again.")
        raise NotIssuable([Hallazgo("issuer", "dirMatriz", sentence)])
    try:
        comprobante = from_request.comprobante(request, emisor)
        content = xml.build(comprobante)
        wrong = validaciones.impedimentos(
            comprobante,
            content,
            regimen=_regime_that_counts(request, issuers, environment, emisor.regimen),
            hoy=today,
        )
    except DomainError as error:
        raise NotIssuable(
            [Hallazgo(error.code or "local", error.field or "", str(error))]
        ) from error
    except ClaveInvalida as error:
        sentence = _("The access key is not well formed (%(part)s).", part=error.motivo)
        raise NotIssuable([Hallazgo("clave", "claveAcceso", sentence)]) from error
    if wrong:
        raise NotIssuable(wrong)
    return comprobante.info_tributaria.clave_acceso, content


def _regime_that_counts(
    request: FiscalRequest, issuers: IssuerReader, environment: int, regime: Regimen
) -> Regimen:
    """A note gives back, or adds to, what was charged in the regime of the document it modifies."""
    notes = isinstance(request, CreditNoteRequest | DebitNoteRequest)
    if not notes or request.supported is None:  # type: ignore[attr-defined]
        return regime
    day = request.supported.issued_on  # type: ignore[attr-defined]
    issuer = issuers.emisor(branch_code=request.branch_code, on=day, environment=environment)
    return issuer.regimen


def check_requests(
    requests: Sequence[FiscalRequest], issuers: IssuerReader, *, environment: int, today: date
) -> None:
    """Refuse, in the caller's transaction, what SRI would refuse: no number is used up then.

    Raises ``DomainError`` with the sentences of the first request that cannot be issued.
    """
    for one in requests:
        try:
            build_document(one, issuers, environment=environment, today=today)
        except NotIssuable as refusal:
            first = refusal.findings[0]
            code = first.codigo.removeprefix("sri_")
            raise DomainError(str(refusal), code=f"sri_{code}") from refusal
