"""What a verification can find, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.i18n import lazy
from plugins.einvoice_sri.domain.certificado import Certificado

SENTENCES = {
    "no_signature": lazy("The document is not signed."),
    "signature_place": lazy(
        "The document needs exactly one signature, as the last element of its root."
    ),
    "signature_shape": lazy("The signature does not have the parts that SRI asks for."),
    "comment": lazy(
        "The document has comments or instructions, which the signature does not cover."
    ),
    "duplicate_id": lazy("Two elements of the document have the same id."),
    "method": lazy("The signature uses a method that SRI does not accept."),
    "reference": lazy("The signature does not cover the whole document as SRI asks."),
    "no_key_reference": lazy("The signature does not cover its certificate (KeyInfo)."),
    "digest_document": lazy("The document was changed after it was signed."),
    "digest_properties": lazy("The properties of the signature were changed after signing."),
    "digest_key": lazy("The certificate in the document was changed after signing."),
    "signature_value": lazy("The signature was not made with the key of the certificate."),
    "certificate": lazy("The certificate in the document cannot be read."),
    "key_value": lazy("The RSAKeyValue is not the key of the certificate."),
    "no_key_value": lazy("The signature has no RSAKeyValue; SRI may answer error 39."),
    "certificate_digest": lazy("The signed properties name another certificate."),
    "issuer_serial": lazy("The serial number in the signed properties is not the certificate's."),
    "issuer_name": lazy("The issuer's name is not written as SRI expects; it may answer error 39."),
    "signing_time": lazy("The signing time is missing or cannot be read."),
    "signed_in_future": lazy("The signing time is in the future."),
    "expired": lazy("The certificate had expired when the document was signed."),
    "not_yet_valid": lazy("The certificate was not yet valid when the document was signed."),
    "key_usage": lazy("The certificate is not made for signing (digitalSignature)."),
    "untrusted": lazy("The certificate does not come from the given authorities."),
}
WARNINGS = {"no_key_reference", "no_key_value", "issuer_name", "key_usage"}


@dataclass(frozen=True, slots=True)
class Hallazgo:
    """One thing that is wrong (``error``) or should be known (``warning``)."""

    code: str
    severity: str
    sentence: str


def finding(code: str) -> Hallazgo:
    """The finding with this code."""
    return Hallazgo(code, "warning" if code in WARNINGS else "error", str(SENTENCES[code]))


@dataclass(frozen=True, slots=True)
class Informe:
    """What was found. ``chain`` is ``not checked``, ``trusted`` or ``untrusted``."""

    hallazgos: tuple[Hallazgo, ...]
    certificado: Certificado | None
    signing_time: datetime | None
    method: str
    chain: str

    @property
    def intact(self) -> bool:
        """True when nothing is an error."""
        return all(one.severity != "error" for one in self.hallazgos)

    @property
    def spotless(self) -> bool:
        """True without warnings too: what our own documents must be before they are sent."""
        return not self.hallazgos
