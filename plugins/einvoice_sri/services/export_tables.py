"""What the fiscal side puts into the copy of everything that a company takes with it. The documents
themselves, XML and RIDE, go beside these tables.
"""

from __future__ import annotations

from core.contracts.hooks import ExportTable
from core.i18n import lazy
from plugins.einvoice_sri.models.certificates import SigningCertificate
from plugins.einvoice_sri.models.documents import DocumentAttempt, DocumentMail, FiscalDocument
from plugins.einvoice_sri.models.fetched import FetchedDocument

TABLES = (
    ExportTable(
        "comprobantes",
        lazy("Your fiscal documents with their state at SRI"),
        FiscalDocument.id,
        {
            "Tipo": FiscalDocument.kind,
            "Ambiente": FiscalDocument.environment,
            "Establecimiento": FiscalDocument.branch_code,
            "Punto de emisión": FiscalDocument.issue_point_code,
            "Secuencial": FiscalDocument.sequence,
            "Emisión": FiscalDocument.issued_on,
            "Tipo de identificación": FiscalDocument.receiver_tax_id_type,
            "Identificación": FiscalDocument.receiver_tax_id,
            "Receptor": FiscalDocument.receiver_name,
            "Correo": FiscalDocument.receiver_email,
            "Total": FiscalDocument.total,
            "Estado": FiscalDocument.state,
            "Clave de acceso": FiscalDocument.access_key,
            "Firmado a las": FiscalDocument.signed_at,
            "Enviado a las": FiscalDocument.sent_at,
            "Recibido a las": FiscalDocument.received_at,
            "Autorizado a las": FiscalDocument.authorized_at,
            "Anulación pedida a las": FiscalDocument.annulment_at,
            "Código del problema": FiscalDocument.code,
            "Mensajes del SRI": FiscalDocument.messages,
            "Contenido": FiscalDocument.request,
        },
    ),
    ExportTable(
        "llamadas_al_sri",
        lazy("Each call to SRI about a document, and its answer"),
        DocumentAttempt.id,
        {
            "Comprobante (id)": DocumentAttempt.document_id,
            "Operación": DocumentAttempt.operation,
            "Fecha y hora": DocumentAttempt.at,
            "Milisegundos": DocumentAttempt.duration_ms,
            "Respuesta": DocumentAttempt.outcome,
            "Mensajes": DocumentAttempt.messages,
        },
    ),
    ExportTable(
        "correos_de_comprobantes",
        lazy("Mails with your documents"),
        DocumentMail.id,
        {
            "Comprobante (id)": DocumentMail.document_id,
            "Ocasión": DocumentMail.occasion,
            "Para": DocumentMail.recipient,
            "Estado": DocumentMail.state,
            "Previsto a las": DocumentMail.intended_at,
            "Enviado a las": DocumentMail.sent_at,
            "Problema": DocumentMail.problem,
        },
    ),
    ExportTable(
        "firmas_electronicas",
        lazy("Your signing certificates, without their keys"),
        SigningCertificate.id,
        {
            "Titular": SigningCertificate.holder,
            "Organización": SigningCertificate.organization,
            "RUC": SigningCertificate.tax_id,
            "Cédula": SigningCertificate.personal_id,
            "Autoridad": SigningCertificate.authority,
            "Número de serie": SigningCertificate.serial,
            "Huella": SigningCertificate.fingerprint,
            "Vale desde": SigningCertificate.not_before,
            "Vale hasta": SigningCertificate.not_after,
            "Se usa desde": SigningCertificate.use_from,
            "Firma": SigningCertificate.signer,
            "Borrada a las": SigningCertificate.wiped_at,
        },
    ),
    ExportTable(
        "comprobantes_consultados",
        lazy("Documents of others that you asked SRI for"),
        FetchedDocument.id,
        {
            "Clave de acceso": FetchedDocument.access_key,
            "Estado": FetchedDocument.state,
            "Pedido a las": FetchedDocument.requested_at,
            "Problema": FetchedDocument.problem,
            "XML": FetchedDocument.content,
        },
    ),
)
