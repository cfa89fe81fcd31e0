"""The pieces of a SRI signature that do not change from one document to the next.

Written directly in canonical form (inclusive C14N, in place: every namespace in scope counts), so
that their digests can be taken without parsing what we have just written.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives import hashes

from core.errors import DomainError
from core.i18n import _
from plugins.einvoice_sri.domain.certificado import Certificado

Hash = Literal["sha1", "sha256"]
DS = "http://www.w3.org/2000/09/xmldsig#"
ETSI = "http://uri.etsi.org/01903/v1.3.2#"
XML = "http://www.w3.org/XML/1998/namespace"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
METHODS: Mapping[str, tuple[str, str, Callable[[bytes], hashlib._Hash], hashes.HashAlgorithm]] = {
    "sha1": (f"{DS}rsa-sha1", f"{DS}sha1", hashlib.sha1, hashes.SHA1()),  # noqa: S303
    "sha256": (
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        hashlib.sha256,
        hashes.SHA256(),
    ),
}


class SignatureRefused(DomainError):
    """The document or the key cannot be signed with; ``code`` says why."""


@dataclass(frozen=True, slots=True)
class SignatureIds:
    """The ids inside a signature. Constant by default: they need to be unique within one document."""

    signature: str = "Signature"
    signed_info: str = "Signature-SignedInfo"
    signature_value: str = "SignatureValue"
    key_info: str = "Certificate"
    signed_properties: str = "Signature-SignedProperties"
    signed_properties_reference: str = "SignedPropertiesID"
    document_reference: str = "Reference-ID"
    object: str = "Signature-Object"

    @classmethod
    def numbered(cls, number: int) -> SignatureIds:
        """Ids that end in a number, as the examples of the ficha."""
        names = (cls.__dataclass_fields__[name].default for name in cls.__dataclass_fields__)
        return cls(*(f"{name}{number}" for name in names))


DEFAULT_IDS = SignatureIds()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signature will stand: the document's id and what C14N inherits from its root."""

    document_id: str = "comprobante"  # as written in the root's attribute
    scope: str = f' xmlns:ds="{DS}" xmlns:etsi="{ETSI}"'
    inherited: str = ""


PLAIN = Place()


@dataclass(frozen=True, slots=True)
class Template:
    """The constant pieces of a signature of one key, hash, set of ids and namespace scope."""

    properties_head: bytes
    properties_tail: bytes
    info_head: bytes  # SignedInfo up to the digest of SignedProperties
    info_middle: bytes  # … up to the digest of the document (holds KeyInfo's digest)
    info_tail: bytes
    open: bytes  # <ds:Signature …> up to the inside of SignedInfo
    after_info: bytes  # …<ds:SignatureValue>
    after_value: bytes  # KeyInfo, Object up to SigningTime
    close: bytes
    info_apex: int  # length of the part of SignedInfo that only its digest has


def b64(data: bytes) -> bytes:
    """Base64 without line breaks."""
    return binascii.b2a_base64(data, newline=False)


def quoted(text: str) -> str:
    """An attribute's value as C14N writes it."""
    for char, written in (
        ("&", "&amp;"), ("<", "&lt;"), ('"', "&quot;"),
        ("\t", "&#x9;"), ("\n", "&#xA;"), ("\r", "&#xD;"),
    ):  # fmt: skip
        text = text.replace(char, written)
    return text


def _text(text: str) -> str:
    """An element's text as C14N writes it. Raises ``SignatureRefused`` for what XML cannot hold."""
    if any(ord(char) < 32 and char not in "\t\n\r" for char in text):
        raise SignatureRefused(
            _("The name of the certificate's issuer has characters that XML cannot hold."),
            code="sri_sign_bad_name",
        )
    for char, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#xD;")):
        text = text.replace(char, written)
    return text


def make_template(
    certificado: Certificado, hash_name: Hash, ids: SignatureIds, place: Place
) -> Template:
    """Prepare the signatures of one certificate. Raises ``SignatureRefused`` for an impossible name."""
    scope, inherited = place.scope, place.inherited
    method, digest_method, digest = METHODS[hash_name][:3]
    by = f'<ds:DigestMethod Algorithm="{digest_method}"></ds:DigestMethod><ds:DigestValue>'
    key_info = (
        f'Id="{ids.key_info}"{inherited}><ds:X509Data><ds:X509Certificate>'
        f"{b64(certificado.der).decode()}</ds:X509Certificate></ds:X509Data><ds:KeyValue>"
        f"<ds:RSAKeyValue><ds:Modulus>{_number(certificado.modulus)}</ds:Modulus>"
        f"<ds:Exponent>{_number(certificado.exponent)}</ds:Exponent></ds:RSAKeyValue>"
        "</ds:KeyValue></ds:KeyInfo>"
    )
    head = (
        f'Id="{ids.signed_properties}"{inherited}><etsi:SignedSignatureProperties>'
        "<etsi:SigningTime>"
    )
    tail = (
        "</etsi:SigningTime><etsi:SigningCertificate><etsi:Cert><etsi:CertDigest>"
        f"{by}{b64(digest(certificado.der).digest()).decode()}</ds:DigestValue></etsi:CertDigest>"
        f"<etsi:IssuerSerial><ds:X509IssuerName>{_text(certificado.issuer_name)}"
        f"</ds:X509IssuerName><ds:X509SerialNumber>{certificado.serial}</ds:X509SerialNumber>"
        "</etsi:IssuerSerial></etsi:Cert></etsi:SigningCertificate>"
        "</etsi:SignedSignatureProperties><etsi:SignedDataObjectProperties>"
        f'<etsi:DataObjectFormat ObjectReference="#{ids.document_reference}">'
        "<etsi:Description>contenido comprobante</etsi:Description>"
        "<etsi:MimeType>text/xml</etsi:MimeType></etsi:DataObjectFormat>"
        "</etsi:SignedDataObjectProperties></etsi:SignedProperties>"
    )
    apex = f"<ds:SignedInfo{scope}"
    key_info_digest = b64(digest(f"<ds:KeyInfo{scope} {key_info}".encode()).digest()).decode()
    return Template(
        properties_head=f"<etsi:SignedProperties{scope} {head}".encode(),
        properties_tail=tail.encode(),
        info_head=(
            f'{apex} Id="{ids.signed_info}"{inherited}>'
            f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>'
            f'<ds:Reference Id="{ids.signed_properties_reference}"'
            ' Type="http://uri.etsi.org/01903#SignedProperties"'
            f' URI="#{ids.signed_properties}">{by}'
        ).encode(),
        info_middle=(
            f'</ds:DigestValue></ds:Reference><ds:Reference URI="#{ids.key_info}">{by}'
            f"{key_info_digest}</ds:DigestValue></ds:Reference>"
            f'<ds:Reference Id="{ids.document_reference}" URI="#{place.document_id}">'
            f'<ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform>'
            f"</ds:Transforms>{by}"
        ).encode(),
        info_tail=b"</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        open=(
            f'<ds:Signature xmlns:ds="{DS}" xmlns:etsi="{ETSI}" Id="{ids.signature}"><ds:SignedInfo'
        ).encode(),
        after_info=f'<ds:SignatureValue Id="{ids.signature_value}">'.encode(),
        after_value=(
            f'</ds:SignatureValue><ds:KeyInfo {key_info}<ds:Object Id="{ids.object}">'
            f'<etsi:QualifyingProperties Target="#{ids.signature}"><etsi:SignedProperties {head}'
        ).encode(),
        close=f"{tail}</etsi:QualifyingProperties></ds:Object></ds:Signature>".encode(),
        info_apex=len(apex.encode()),
    )


def _number(value: int) -> str:
    """A CryptoBinary: big-endian, without leading zeros, base64."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode()
