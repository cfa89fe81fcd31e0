"""Checking a signed document, as SRI would and stricter; independent of the module that signs.

Everything that can be wrong is a finding with a code and a sentence; only unreadable XML raises. A
document is accepted in the one shape that the ficha describes, so that a signature that covers
something other than the whole document (wrapping, duplicate ids, odd transforms) cannot pass.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from lxml import etree

from plugins.einvoice_sri.domain.canonical import canonical, read_xml
from plugins.einvoice_sri.domain.certificado import (
    Certificado,
    CertificadoIlegible,
    read_certificado,
)
from plugins.einvoice_sri.domain.verify_chain import is_trusted
from plugins.einvoice_sri.domain.verify_informe import Hallazgo, Informe, finding

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_DS = f"{{{_DSIG}}}"
_ETSI = "{http://uri.etsi.org/01903/v1.3.2#}"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_ENVELOPED = f"{_DSIG}enveloped-signature"
_PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}"
_DIGESTS = {
    f"{_DSIG}sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_METHODS: dict[str, hashes.HashAlgorithm] = {
    f"{_DSIG}rsa-sha1": hashes.SHA1(),  # noqa: S303  (SRI's default)
    f"{_MORE}rsa-sha256": hashes.SHA256(),
    f"{_MORE}rsa-sha384": hashes.SHA384(),
    f"{_MORE}rsa-sha512": hashes.SHA512(),
}
_GUAYAQUIL = timezone(timedelta(hours=-5))
_SPACE = re.compile(r"[ \t\r\n]+")
CLOCK_TOLERANCE = timedelta(minutes=5)


class _Stop(Exception):
    """The shape does not allow to look further."""


def verify(
    xml: bytes, *, authorities: Sequence[Certificado] | None = None, now: datetime | None = None
) -> Informe:
    """Check the signature of a document.

    ``authorities`` are the trusted ones (None: the chain is not checked); ``now`` allows to refuse a
    signing time in the future. Raises ``XmlRefused`` when ``xml`` cannot be read at all.
    """
    check = _Check(read_xml(xml))
    try:
        check.run()
        check.check_times(now)
        check.check_chain(authorities)
    except _Stop:
        pass
    return Informe(
        tuple(check.found.values()),
        check.certificado,
        check.signing_time,
        check.method,
        check.chain,
    )


class _Check:
    """The steps of one verification; findings pile up in ``found``."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.found: dict[str, Hallazgo] = {}
        self.certificado: Certificado | None = None
        self.others: list[Certificado] = []
        self.signing_time: datetime | None = None
        self.method = ""
        self.chain = "not checked"

    def add(self, code: str) -> None:
        self.found[code] = finding(code)

    def stop(self, code: str) -> _Stop:
        self.add(code)
        return _Stop(code)

    def run(self) -> None:
        signature = self.the_signature()
        children = list(signature)
        if [one.tag for one in children] != [
            f"{_DS}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")
        ]:
            raise self.stop("signature_shape")
        info, value, key_info, holder = children
        properties = self.the_properties(signature, holder)
        self.read_certificates(key_info)
        self.check_key_value(key_info)
        algorithm = self.check_method(info)
        inherited = {k: v for k, v in self.root.attrib.items() if k.startswith(_XML_SPACE)}
        for apex in (info, key_info, properties):
            for name, text in inherited.items():
                if name not in apex.attrib:
                    apex.set(name, text)
        signed_bytes = canonical(info)
        self.check_references(info, signature, key_info, properties)
        self.check_value(value, signed_bytes, algorithm)
        self.check_properties(properties)

    def the_signature(self) -> Any:
        signatures = list(self.root.iter(f"{_DS}Signature"))
        if not signatures:
            raise self.stop("no_signature")
        elements = [one for one in self.root if isinstance(one.tag, str)]
        if len(signatures) != 1 or not elements or elements[-1] is not signatures[0]:
            raise self.stop("signature_place")
        if any(not isinstance(one.tag, str) for one in self.root.iter()):
            raise self.stop("comment")
        seen: set[str] = set()
        for element in self.root.iter():
            for name, text in element.attrib.items():
                if etree.QName(name).localname.lower() == "id":
                    if text in seen:
                        raise self.stop("duplicate_id")
                    seen.add(text)
        return signatures[0]

    def the_properties(self, signature: Any, holder: Any) -> Any:
        qualifying = list(holder)
        if (
            len(qualifying) != 1
            or qualifying[0].tag != f"{_ETSI}QualifyingProperties"
            or qualifying[0].get("Target") != f"#{signature.get('Id')}"
        ):
            raise self.stop("signature_shape")
        inside = [one.tag for one in qualifying[0]]
        if inside not in (
            [f"{_ETSI}SignedProperties"],
            [f"{_ETSI}SignedProperties", f"{_ETSI}UnsignedProperties"],
        ):
            raise self.stop("signature_shape")
        if any(_has_text(one) for one in (signature, holder, qualifying[0])):
            raise self.stop("signature_shape")
        return qualifying[0][0]

    def read_certificates(self, key_info: Any) -> None:
        texts = key_info.findall(f"{_DS}X509Data/{_DS}X509Certificate")
        try:
            every = [read_certificado(_base64(one)) for one in texts]
        except (CertificadoIlegible, ValueError):
            every = []
        if not every or not every[0].modulus:
            raise self.stop("certificate")
        self.certificado, *self.others = every
        if not self.certificado.signs:
            self.add("key_usage")

    def check_key_value(self, key_info: Any) -> None:
        values = key_info.findall(f"{_DS}KeyValue")
        if not values:
            self.add("no_key_value")
            return
        assert self.certificado is not None
        try:
            numbers = [
                int.from_bytes(_base64(one.find(f"{_DS}RSAKeyValue/{_DS}{name}")), "big")
                for one in values
                for name in ("Modulus", "Exponent")
            ]
        except ValueError:
            numbers = []
        if numbers != [self.certificado.modulus, self.certificado.exponent]:
            self.add("key_value")

    def check_method(self, info: Any) -> hashes.HashAlgorithm:
        names = [etree.QName(one).localname for one in info]
        if names[:2] != ["CanonicalizationMethod", "SignatureMethod"] or set(names[2:]) != {
            "Reference"
        }:
            raise self.stop("signature_shape")
        self.method = info[1].get("Algorithm", "")
        algorithm = _METHODS.get(self.method)
        if info[0].get("Algorithm") != _C14N or len(info[0]) or algorithm is None:
            raise self.stop("method")
        return algorithm

    def check_references(self, info: Any, signature: Any, key_info: Any, properties: Any) -> None:
        targets = {
            _id_of(self.root): ("digest_document", self.root),
            _id_of(properties): ("digest_properties", properties),
            _id_of(key_info): ("digest_key", key_info),
        }
        expected: dict[str, tuple[str, bytes]] = {}
        for reference in info.findall(f"{_DS}Reference"):
            uri = reference.get("URI") or ""
            code, element = targets.get(uri[1:] or None, ("", None))
            if not uri.startswith("#") or element is None or code in expected:
                raise self.stop("reference")
            transforms = [one.get("Algorithm") for one in reference.iter(f"{_DS}Transform")]
            allowed: list[list[str]] = [[], [_C14N]]
            if element is self.root:
                allowed = [[_ENVELOPED], [_ENVELOPED, _C14N]]
            typed = reference.get("Type") == _PROPERTIES_TYPE
            if transforms not in allowed or (typed and element is not properties):
                raise self.stop("reference")
            expected[code] = self.read_digest(reference)
        if not {"digest_document", "digest_properties"} <= expected.keys():
            raise self.stop("reference")
        if "digest_key" not in expected:
            self.add("no_key_reference")
        contents = {
            "digest_key": canonical(key_info),
            "digest_properties": canonical(properties),
        }
        _take_out(signature)
        contents["digest_document"] = canonical(self.root)
        for code, (digest, value) in expected.items():
            if hashlib.new(digest, contents[code]).digest() != value:
                self.add(code)

    def read_digest(self, parent: Any) -> tuple[str, bytes]:
        method = parent.find(f"{_DS}DigestMethod")
        digest = _DIGESTS.get(method.get("Algorithm", "")) if method is not None else None
        if digest is None:
            raise self.stop("method")
        try:
            return digest, _base64(parent.find(f"{_DS}DigestValue"))
        except ValueError:
            raise self.stop("signature_shape") from None

    def check_value(self, value: Any, signed: bytes, algorithm: hashes.HashAlgorithm) -> None:
        assert self.certificado is not None
        try:
            numbers = RSAPublicNumbers(self.certificado.exponent, self.certificado.modulus)
            numbers.public_key().verify(_base64(value), signed, padding.PKCS1v15(), algorithm)
        except (InvalidSignature, ValueError):
            self.add("signature_value")

    def check_properties(self, properties: Any) -> None:
        certificado = self.certificado
        assert certificado is not None
        cert = properties.findall(f".//{_ETSI}SigningCertificate/{_ETSI}Cert")
        if not cert or cert[0].find(f"{_ETSI}CertDigest") is None:
            raise self.stop("signature_shape")
        digest, value = self.read_digest(cert[0].find(f"{_ETSI}CertDigest"))
        if hashlib.new(digest, certificado.der).digest() != value:
            self.add("certificate_digest")
        serial = cert[0].findtext(f"{_ETSI}IssuerSerial/{_DS}X509SerialNumber", "").strip()
        if serial != str(certificado.serial):
            self.add("issuer_serial")
        name = cert[0].findtext(f"{_ETSI}IssuerSerial/{_DS}X509IssuerName", "")
        if name != certificado.issuer_name:
            self.add("issuer_name")
        self.signing_time = _instant(properties.findtext(f".//{_ETSI}SigningTime", "").strip())
        if self.signing_time is None:
            raise self.stop("signing_time")

    def check_times(self, now: datetime | None) -> None:
        assert self.certificado is not None
        assert self.signing_time is not None
        if self.signing_time < self.certificado.not_before:
            self.add("not_yet_valid")
        if self.signing_time > self.certificado.not_after:
            self.add("expired")
        if now is not None and self.signing_time > now + CLOCK_TOLERANCE:
            self.add("signed_in_future")

    def check_chain(self, authorities: Sequence[Certificado] | None) -> None:
        if authorities is None:
            return
        assert self.certificado is not None
        assert self.signing_time is not None
        trusted = is_trusted(
            self.certificado, anchors=authorities, others=self.others, at=self.signing_time
        )
        self.chain = "trusted" if trusted else "untrusted"
        if not trusted:
            self.add("untrusted")


def _id_of(element: Any) -> str | None:
    found = element.get("id") or element.get("Id") or element.get("ID")
    return str(found) if found else None


def _has_text(element: Any) -> bool:
    """True when words stand between the children: no part of the signature covers them."""
    return any(text and text.strip() for text in (element.text, *(one.tail for one in element)))


def _take_out(signature: Any) -> None:
    """Remove the signature but not the text behind it."""
    parent, before, tail = signature.getparent(), signature.getprevious(), signature.tail
    parent.remove(signature)
    if tail:
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail


def _base64(element: Any) -> bytes:
    """The bytes of a base64 text; only the one canonical writing is taken. Raises ``ValueError``."""
    text = _SPACE.sub("", (element.text or "")) if element is not None and not len(element) else ""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if not data or base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=_GUAYAQUIL)
