"""The XAdES-BES signature SRI asks for (ficha técnica, section 6 and annex 14).

Three references (SignedProperties, KeyInfo, the document), inclusive C14N, RSA-SHA1 unless the
caller chooses SHA-256. The parts that do not change between two documents of one key are prepared
once, so that a signature costs little more than its RSA operation. The signing time and the ids are
arguments: the same input gives the same bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from lxml import etree

from core.i18n import _
from plugins.einvoice_sri.domain.canonical import canonical, canonical_body, read_xml
from plugins.einvoice_sri.domain.certificado import Certificado, read_certificado
from plugins.einvoice_sri.domain.xades_template import (
    DEFAULT_IDS,
    DS,
    ETSI,
    METHODS,
    PLAIN,
    XML,
    Hash,
    Place,
    SignatureIds,
    SignatureRefused,
    Template,
    b64,
    make_template,
    quoted,
)

GUAYAQUIL = timezone(timedelta(hours=-5))
_PADDING = padding.PKCS1v15()
_MAX_TEMPLATES = 64
_ROOT_ID = re.compile(rb'<[^\s<>]+(?: [^\s=<>"]+="[^"<>]*")*? id="([^"]+)"')


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key and its certificate, loaded once and used for many documents."""

    private: rsa.RSAPrivateKey = field(repr=False)
    certificado: Certificado
    templates: dict[tuple[str, SignatureIds, Place], Template] = field(
        default_factory=dict, repr=False, compare=False
    )
    usual: dict[str, Template] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, key_der: bytes, certificate_der: bytes, *, validate: bool = False) -> SigningKey:
        """Load a PKCS#8 key and its certificate, both DER.

        ``validate`` checks the arithmetic of the RSA key (33 ms): once, when it is uploaded.
        Raises ``SignatureRefused`` when the key is not RSA or not the certificate's.
        """
        certificado = read_certificado(certificate_der)
        try:
            private = load_der_private_key(
                key_der, None, unsafe_skip_rsa_key_validation=not validate
            )
        except (ValueError, TypeError) as error:
            raise SignatureRefused(
                _("The private key of the certificate cannot be read or is damaged."),
                code="sri_sign_bad_key",
            ) from error
        if not isinstance(private, rsa.RSAPrivateKey):
            raise SignatureRefused(
                _(
                    "The key is not RSA. SRI accepts RSA keys only: ask your certification authority."
                ),
                code="sri_sign_not_rsa",
            )
        public = private.public_key().public_numbers()
        if (public.n, public.e) != (certificado.modulus, certificado.exponent):
            raise SignatureRefused(
                _("The private key does not belong to the certificate."),
                code="sri_sign_key_mismatch",
            )
        return cls(private, certificado)

    def template(self, hash_name: Hash, ids: SignatureIds, place: Place) -> Template:
        """The prepared pieces for this hash, these ids and this place; made at their first use."""
        if ids is DEFAULT_IDS and place is PLAIN and hash_name in self.usual:
            return self.usual[hash_name]
        wanted = (hash_name, ids, place)
        found = self.templates.get(wanted)
        if found is None:
            found = make_template(self.certificado, hash_name, ids, place)
            if len(self.templates) >= _MAX_TEMPLATES:
                self.templates.clear()
            self.templates[wanted] = found
        if ids is DEFAULT_IDS and place is PLAIN:
            self.usual[hash_name] = found
        return found


def sign(
    xml: bytes,
    key: SigningKey,
    *,
    signing_time: datetime,
    hash: Hash = "sha1",  # noqa: A002  (the word of the command line)
    ids: SignatureIds = DEFAULT_IDS,
) -> bytes:
    """Sign any document whose root has an ``id``: read it, write its canonical form, append the signature.

    The result is UTF-8 with an XML declaration. Comments are dropped, because the signature does not
    cover them. Raises ``XmlRefused`` (not readable) or ``SignatureRefused`` (already signed, no id).
    """
    body = canonical_body(xml)
    if body is None:  # a signed one is not canonical by that rule: it declares namespaces
        body, place = _rewrite(xml)
    else:
        place = _place_of(_ROOT_ID.match(body))
    return _sign(body, key, signing_time, hash, ids=ids, place=place)


def _rewrite(xml: bytes) -> tuple[bytes, Place]:
    root = read_xml(xml, keep_comments=False)
    if root.find(f"{{{DS}}}Signature") is not None:
        raise SignatureRefused(
            _("The document is already signed. Sign the document as it was before."),
            code="sri_sign_already_signed",
        )
    place = _place_of(_ROOT_ID.match(f'<x id="{quoted(root.get("id", ""))}"'.encode()))
    body = canonical(root)
    if root.nsmap or any(name[0] == "{" for name in root.attrib):
        place = _place_below(root, place.document_id)
    if b"xmlns" in body:
        _check_namespaces(root)
    return body, place


def _place_of(root_id: re.Match[bytes] | None) -> Place:
    if root_id is None:
        raise SignatureRefused(
            _('The document\'s root has no attribute id. SRI asks for id="comprobante".'),
            code="sri_sign_no_id",
        )
    document_id = root_id.group(1).decode()
    return PLAIN if document_id == PLAIN.document_id else Place(document_id)


def sign_canonical(
    xml: bytes,
    key: SigningKey,
    *,
    signing_time: datetime,
    hash: Hash = "sha1",  # noqa: A002
    ids: SignatureIds = DEFAULT_IDS,
) -> bytes:
    """Sign what our own builder wrote, without reading it again.

    ``xml`` must be the canonical form of a document without namespaces whose root is
    ``<… id="comprobante" …>``; an XML declaration in front is allowed and kept out of the digest.
    """
    if xml.startswith(b"<?xml"):
        xml = xml[xml.index(b"?>") + 2 :].lstrip()
    return _sign(xml, key, signing_time, hash, ids=ids, place=PLAIN)


def _sign(
    body: bytes,
    key: SigningKey,
    signing_time: datetime,
    hash_name: Hash,
    *,
    ids: SignatureIds,
    place: Place,
) -> bytes:
    digest, algorithm = METHODS[hash_name][2:]
    parts = key.template(hash_name, ids, place)
    instant = _written(signing_time)
    properties = parts.properties_head + instant + parts.properties_tail
    info = b"%b%b%b%b%b" % (
        parts.info_head,
        b64(digest(properties).digest()),
        parts.info_middle,
        b64(digest(body).digest()),
        parts.info_tail,
    )
    value = b64(key.private.sign(info, _PADDING, algorithm))
    end = body.rindex(b"</")
    return b"".join(
        (
            b'<?xml version="1.0" encoding="UTF-8"?>\n',
            body[:end],
            parts.open,
            info[parts.info_apex :],
            parts.after_info,
            value,
            parts.after_value,
            instant,
            parts.close,
            body[end:],
        )
    )


@lru_cache(maxsize=64)
def _written(signing_time: datetime) -> bytes:
    """The instant in Guayaquil, to the second."""
    if signing_time.tzinfo is None:
        raise ValueError("a signing time needs its zone")
    return signing_time.astimezone(GUAYAQUIL).isoformat(timespec="seconds").encode()


def _check_namespaces(root: Any) -> None:
    """libxml2 writes a namespace's address unescaped, so one with ``& < "`` has no canonical form."""
    for element in root.iter(etree.Element):
        if any(char in uri for uri in element.nsmap.values() for char in '&<"'):
            raise SignatureRefused(
                _("The document has a namespace with characters that cannot be signed."),
                code="sri_sign_bad_namespace",
            )


def _place_below(root: Any, document_id: str) -> Place:
    """What inclusive C14N adds to an element below ``root``: namespaces in scope, ``xml:`` attributes."""
    namespaces = {**root.nsmap, "ds": DS, "etsi": ETSI}
    declared = "".join(
        f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"'
        for prefix, uri in sorted(namespaces.items(), key=lambda item: item[0] or "")
    )
    inherited = "".join(
        f' xml:{name[len(XML) + 2 :]}="{quoted(root.attrib[name])}"'
        for name in sorted(root.attrib)
        if name.startswith(f"{{{XML}}}")
    )
    return Place(document_id, declared, inherited)
