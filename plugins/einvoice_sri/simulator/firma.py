"""The judge of signatures: signxml for the mathematics, the ficha's rules on top (code 39, 40, 42)."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.xades import XAdESSignatureConfiguration, XAdESVerifier

from plugins.einvoice_sri.simulator.comprobante import Unreadable, parse

DS = "http://www.w3.org/2000/09/xmldsig#"
ETSI = "http://uri.etsi.org/01903/v1.3.2#"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
NAMES = {"ds": DS, "etsi": ETSI}
METHODS = frozenset({SignatureMethod.RSA_SHA1, SignatureMethod.RSA_SHA256})
DIGESTS = frozenset({DigestAlgorithm.SHA1, DigestAlgorithm.SHA256})
CLOCK_TOLERANCE = timedelta(minutes=5)
CHAIN_LIMIT = 5


class SignatureFault(Exception):
    """The signature is refused; ``code`` is SRI's."""

    def __init__(self, sentence: str, code: str = "39") -> None:
        super().__init__(sentence)
        self.code = code


def check_signature(
    content: bytes, trusted: tuple[x509.Certificate, ...] | None, now: datetime
) -> None:
    """Check form, mathematics, certificate and chain. Raises ``SignatureFault``."""
    try:
        root = parse(content)
    except Unreadable as error:
        raise SignatureFault(str(error)) from error
    signature = _signature_of(root)
    certificate = _certificate_of(signature)
    _verify(content, certificate)
    _references(root, signature)
    _signed_properties(signature, certificate, now)
    _usage(certificate)
    _validity(certificate, now)
    if trusted is not None:
        _chain(certificate, trusted, now)


def _signature_of(root: etree._Element) -> etree._Element:
    found = root.findall(f".//{{{DS}}}Signature")
    if len(found) != 1 or found[0].getparent() is not root or root[-1] is not found[0]:
        raise SignatureFault("El comprobante debe llevar una firma, al final del documento.")
    return found[0]


def _certificate_of(signature: etree._Element) -> x509.Certificate:
    text = signature.findtext("ds:KeyInfo/ds:X509Data/ds:X509Certificate", namespaces=NAMES)
    try:
        return x509.load_der_x509_certificate(base64.b64decode(text or "", validate=False))
    except (ValueError, binascii.Error) as error:
        raise SignatureFault("No se pudo leer el certificado.", "40") from error


def _verify(content: bytes, certificate: x509.Certificate) -> None:
    configuration = XAdESSignatureConfiguration(
        location="./",
        expect_references=3,
        signature_methods=METHODS,
        digest_algorithms=DIGESTS,
    )
    try:
        XAdESVerifier().verify(content, x509_cert=certificate, expect_config=configuration)
    except (SignXMLException, InvalidSignature, ValueError, etree.LxmlError) as error:
        raise SignatureFault(f"La firma es invalida [{error}]") from error


def _references(root: etree._Element, signature: etree._Element) -> None:
    key_info = signature.find("ds:KeyInfo", NAMES)
    properties = signature.find(".//etsi:SignedProperties", NAMES)
    if key_info is None or properties is None:
        raise SignatureFault("Faltan KeyInfo o SignedProperties en la firma.")
    wanted = {
        f"#{root.get('id')}",
        f"#{key_info.get('Id')}",
        f"#{properties.get('Id')}",
    }
    references = signature.findall("ds:SignedInfo/ds:Reference", NAMES)
    if {one.get("URI") for one in references} != wanted or root.get("id") != "comprobante":
        raise SignatureFault("La firma debe cubrir el comprobante, KeyInfo y SignedProperties.")
    typed = {one.get("Type") for one in references}
    if SIGNED_PROPERTIES not in typed:
        raise SignatureFault("Falta el tipo de la referencia a SignedProperties.")


def _signed_properties(
    signature: etree._Element, certificate: x509.Certificate, now: datetime
) -> None:
    base = ".//etsi:SignedSignatureProperties"
    stated = signature.findtext(f"{base}/etsi:SigningTime", namespaces=NAMES) or ""
    try:
        at = datetime.fromisoformat(stated.strip())
    except ValueError as error:
        raise SignatureFault("SigningTime no es una fecha.") from error
    if at.tzinfo is None:
        raise SignatureFault("SigningTime no tiene zona horaria.")
    if at > now + CLOCK_TOLERANCE:
        raise SignatureFault(f"La fecha de la firma {stated} es posterior a la actual.")
    issuer = f"{base}/etsi:SigningCertificate/etsi:Cert/etsi:IssuerSerial"
    serial = signature.findtext(f"{issuer}/ds:X509SerialNumber", namespaces=NAMES) or ""
    if serial.strip() != str(certificate.serial_number):
        raise SignatureFault("El número de serie del certificado no coincide.")
    name = signature.findtext(f"{issuer}/ds:X509IssuerName", namespaces=NAMES) or ""
    if not _same_name(name, certificate.issuer):
        raise SignatureFault("El emisor del certificado (X509IssuerName) no coincide.")


def _same_name(stated: str, issuer: x509.Name) -> bool:
    """Compare an RFC 2253 name with the certificate's, attribute by attribute."""
    try:
        parsed = x509.Name.from_rfc4514_string(
            stated,
            {
                "EMAILADDRESS": x509.NameOID.EMAIL_ADDRESS,
                "SERIALNUMBER": x509.NameOID.SERIAL_NUMBER,
            },
        )
    except ValueError:
        return False

    def flat(name: x509.Name) -> list[tuple[str, str]]:
        return [(one.oid.dotted_string, _plain(one.value)) for rdn in name.rdns for one in rdn]

    return sorted(flat(parsed)) == sorted(flat(issuer))


def _plain(value: str | bytes) -> str:
    """The text of an attribute, also when it was written as hex DER (``#0c0f…``)."""
    raw = value if isinstance(value, bytes) else value.encode()
    if isinstance(value, bytes) and len(raw) > 2 and raw[1] == len(raw) - 2:
        raw = raw[2:]
    return raw.decode("utf-8", "replace")


def _usage(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (usage.digital_signature or usage.content_commitment):
        raise SignatureFault("El certificado utilizado, no es del tipo firma digital")


def _validity(certificate: x509.Certificate, now: datetime) -> None:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise SignatureFault("El certificado está caducado o aún no es válido.", "42")


def _chain(
    certificate: x509.Certificate, trusted: tuple[x509.Certificate, ...], now: datetime
) -> None:
    current = certificate
    for _ in range(CHAIN_LIMIT):
        issuer = next((one for one in trusted if _issued(current, one)), None)
        if issuer is None:
            raise SignatureFault(
                "no existe un certificado root registrado para la entidad certificadora"
            )
        _validity(issuer, now)
        if issuer.subject == issuer.issuer:
            return
        current = issuer
    raise SignatureFault("La validacion de la cadena de confianza ha fallado")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
