"""Is a certificate issued, directly or through others, by an authority that the caller trusts?"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from core.errors import DomainError
from core.i18n import _
from plugins.einvoice_sri.domain.certificado import (
    Certificado,
    CertificadoIlegible,
    read_certificado,
)
from plugins.einvoice_sri.domain.certificado_der import DerError, parse

_MAX_LINKS = 6
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.1.1.5": hashes.SHA1(),  # noqa: S303  (old Ecuadorian authorities)
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}


def read_authorities(data: bytes) -> list[Certificado]:
    """The certificates of a PEM bundle or of one DER file. Raises ``DomainError`` when there are none."""
    blocks = _PEM.findall(data)
    try:
        ders = [base64.b64decode(block) for block in blocks] if blocks else [data]
        return [read_certificado(der) for der in ders]
    except (binascii.Error, CertificadoIlegible) as error:
        raise DomainError(
            _("The file of authorities holds no certificate that can be read (PEM or DER)."),
            code="sri_ca_unreadable",
            field="ca",
        ) from error


def is_trusted(
    certificado: Certificado,
    *,
    anchors: Sequence[Certificado],
    others: Iterable[Certificado] = (),
    at: datetime,
) -> bool:
    """True when a chain of valid authorities leads from ``certificado`` to one of ``anchors``.

    ``others`` are certificates that came with the document: links, never anchors. Revocation is not
    asked for: that needs the network.
    """
    trusted = {one.der for one in anchors}
    pool = {one.der: one for one in (*anchors, *others) if one.is_ca}
    if certificado.der in trusted:
        return True
    frontier, seen = [certificado], {certificado.der}
    for link in range(_MAX_LINKS):
        issuers = [
            issuer
            for one in frontier
            for issuer in pool.values()
            if issuer.der not in seen
            and issuer.is_valid_at(at)
            and _may_issue(issuer, link)
            and is_issued_by(one, issuer)
        ]
        if any(one.der in trusted for one in issuers):
            return True
        seen.update(one.der for one in issuers)
        frontier = issuers
    return False


def _may_issue(issuer: Certificado, authorities_below: int) -> bool:
    usage = issuer.key_usage
    limit = issuer.path_length
    return (usage is None or "keyCertSign" in usage) and (
        limit is None or authorities_below <= limit
    )


def is_issued_by(certificado: Certificado, issuer: Certificado) -> bool:
    """True when the names follow and the issuer's RSA key made the certificate's signature."""
    if certificado.issuer_der != issuer.subject_der or not issuer.modulus:
        return False
    try:
        tbs, algorithm, signature = parse(certificado.der).children()[:3]
        chosen = _ALGORITHMS.get(algorithm.children()[0].oid())
        if chosen is None:
            return False
        RSAPublicNumbers(issuer.exponent, issuer.modulus).public_key().verify(
            signature.content[1:], tbs.raw, padding.PKCS1v15(), chosen
        )
    except (InvalidSignature, DerError, ValueError, IndexError):
        return False
    return True
