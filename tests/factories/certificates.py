"""Keys, certificates and P12 files of the suite's own certification authority.

Names and dates are constants; keys are made once per process. ``p12_shapes`` has its own writer of
PKCS#12, so that shapes no library writes (two keys, RC2-40, absurd counts) exist too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2027, 12, 31, tzinfo=UTC)
NOW = datetime(2026, 4, 25, 13, 0, tzinfo=UTC)
RUC = "1790012345001"
ORGANIZATION_IDENTIFIER = x509.ObjectIdentifier("2.5.4.97")
_Attribute = x509.NameAttribute


def name(*parts: x509.NameAttribute | list[x509.NameAttribute]) -> x509.Name:
    """A name of parts in encoded order; a list is a part of several values."""
    return x509.Name(
        [x509.RelativeDistinguishedName(one if isinstance(one, list) else [one]) for one in parts]
    )


_EC = _Attribute(NameOID.COUNTRY_NAME, "EC")
_TEST_AC = _Attribute(NameOID.COMMON_NAME, "AC DE PRUEBAS")

# What java.security's X500Principal.getName() of OpenJDK 17.0.15 printed for these names (2026-11).
ISSUER_NAMES: dict[str, tuple[x509.Name, str]] = {
    "plain": (
        name(
            _EC,
            _Attribute(NameOID.ORGANIZATION_NAME, "PRUEBAS S.A."),
            _Attribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "ENTIDAD DE CERTIFICACION"),
            _TEST_AC,
        ),
        "CN=AC DE PRUEBAS,OU=ENTIDAD DE CERTIFICACION,O=PRUEBAS S.A.,C=EC",
    ),
    "with locality": (
        name(
            _EC,
            _Attribute(NameOID.STATE_OR_PROVINCE_NAME, "Pichincha"),
            _Attribute(NameOID.LOCALITY_NAME, "Quito"),
            _Attribute(NameOID.ORGANIZATION_NAME, "PRUEBAS S.A."),
            _TEST_AC,
        ),
        "CN=AC DE PRUEBAS,O=PRUEBAS S.A.,L=Quito,ST=Pichincha,C=EC",
    ),
    "organizationIdentifier": (
        name(
            _EC,
            _Attribute(NameOID.ORGANIZATION_NAME, "UANA PRUEBAS"),
            _Attribute(ORGANIZATION_IDENTIFIER, "VATES-A66721499"),
            _Attribute(NameOID.COMMON_NAME, "AC DE PRUEBAS 1"),
        ),
        "CN=AC DE PRUEBAS 1,2.5.4.97=#0c0f56415445532d413636373231343939,O=UANA PRUEBAS,C=EC",
    ),
    "e-mail": (
        name(
            _EC, _TEST_AC, _Attribute(NameOID.EMAIL_ADDRESS, "ca@pruebas.ec", _ASN1Type.IA5String)
        ),
        "1.2.840.113549.1.9.1=#160d636140707275656261732e6563,CN=AC DE PRUEBAS,C=EC",
    ),
    "comma": (
        name(
            _EC,
            _Attribute(NameOID.ORGANIZATION_NAME, 'PRUEBAS, COMERCIO Y CIA. "LTDA" + HIJOS'),
            _Attribute(NameOID.COMMON_NAME, "AC; <uno> #2 \\ =x"),
        ),
        'CN=AC\\; \\<uno\\> \\#2 \\\\ \\=x,O=PRUEBAS\\, COMERCIO Y CIA. \\"LTDA\\" \\+ HIJOS,C=EC',
    ),
    "serialNumber, several values": (
        name(
            _EC,
            _Attribute(NameOID.ORGANIZATION_NAME, "BANCO DE PRUEBAS"),
            _Attribute(NameOID.LOCALITY_NAME, "QUITO"),
            [
                _Attribute(NameOID.SERIAL_NUMBER, "0000000001"),
                _Attribute(NameOID.COMMON_NAME, "AC PRUEBAS"),
            ],
        ),
        "CN=AC PRUEBAS+2.5.4.5=#130a30303030303030303031,L=QUITO,O=BANCO DE PRUEBAS,C=EC",
    ),
    "accents": (
        name(
            _EC,
            _Attribute(NameOID.ORGANIZATION_NAME, "CERTIFICACIÓN ÑANDÚ"),
            _Attribute(NameOID.COMMON_NAME, "AC Pequeña €"),
        ),
        "CN=AC Pequeña €,O=CERTIFICACIÓN ÑANDÚ,C=EC",
    ),
    "spaces and a hash at the ends": (
        name(
            _EC,
            _Attribute(NameOID.ORGANIZATION_NAME, "  lead and trail  "),
            _Attribute(NameOID.COMMON_NAME, "#hash"),
        ),
        "CN=\\#hash,O=\\ \\ lead and trail\\ \\ ,C=EC",
    ),
    "every keyword": (
        name(
            _EC,
            _Attribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "T61 x", _ASN1Type.T61String),
            _Attribute(NameOID.LOCALITY_NAME, "Uni", _ASN1Type.UniversalString),
            _Attribute(NameOID.DOMAIN_COMPONENT, "ec", _ASN1Type.IA5String),
            _Attribute(NameOID.USER_ID, "uid1"),
            _Attribute(NameOID.STREET_ADDRESS, "Calle 1"),
            _Attribute(NameOID.TITLE, "x"),
            _Attribute(NameOID.COMMON_NAME, "x"),
        ),
        "CN=x,2.5.4.12=#0c0178,STREET=Calle 1,UID=uid1,DC=ec,L=#1c0c000000550000006e00000069,OU=T61 x,C=EC",
    ),
}


@cache
def rsa_key(label: str = "signer", bits: int = 2048) -> rsa.RSAPrivateKey:
    """The key called ``label``, made once per process."""
    return rsa.generate_private_key(65537, bits)


def key_der(key: rsa.RSAPrivateKey) -> bytes:
    """PKCS#8, DER, unencrypted."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def certificate_der(certificate: x509.Certificate) -> bytes:
    """DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def usage(*names: str) -> x509.KeyUsage:
    """A key usage with only these allowed, in the names of ``cryptography``."""
    every = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{one: one in names for one in every})


@dataclass(frozen=True, slots=True)
class Signer:
    """A key with its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def key_der(self) -> bytes:
        return key_der(self.key)

    @property
    def der(self) -> bytes:
        return certificate_der(self.certificate)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Authority(Signer):
    """A certification authority of the suite."""

    def issue(
        self,
        *,
        subject: x509.Name | None = None,
        key: rsa.RSAPrivateKey | None = None,
        key_usage: x509.KeyUsage | None = None,
        not_before: datetime = BEGIN,
        not_after: datetime = END,
        extensions: Sequence[x509.ExtensionType] = (),
        serial: int = 1234567890123456789,
        is_ca: bool = False,
    ) -> Signer:
        """A certificate for ``subject`` (default: the company of ``RUC``)."""
        key = key or rsa_key()
        made = _certificate(
            subject or subject_of("ANA PRUEBA", ruc=RUC),
            self.certificate.subject,
            key.public_key(),
            self.key,
            serial=serial,
            dates=(not_before, not_after),
            is_ca=is_ca,
            key_usage=usage("digital_signature", "content_commitment")
            if key_usage is None
            else key_usage,
            extensions=extensions,
        )
        return Signer(key, made)


def subject_of(common_name: str, *, ruc: str = "", organization: str = "") -> x509.Name:
    """A subject in ETSI style: RUC as ``VATEC-…``."""
    parts = [_EC]
    if organization:
        parts.append(_Attribute(NameOID.ORGANIZATION_NAME, organization))
    if ruc:
        parts.append(_Attribute(ORGANIZATION_IDENTIFIER, f"VATEC-{ruc}"))
    return name(*parts, _Attribute(NameOID.COMMON_NAME, common_name))


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: rsa.RSAPublicKey,
    signing_key: rsa.RSAPrivateKey,
    *,
    serial: int,
    dates: tuple[datetime, datetime],
    is_ca: bool,
    key_usage: x509.KeyUsage | None,
    extensions: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if key_usage is not None:
        builder = builder.add_extension(key_usage, critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


@cache
def authority(issuer: str = "plain") -> Authority:
    """The authority whose name is that of ``ISSUER_NAMES``; self-signed."""
    key = rsa_key("authority")
    subject = ISSUER_NAMES[issuer][0]
    made = _certificate(
        subject,
        subject,
        key.public_key(),
        key,
        serial=1,
        dates=(datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)),
        is_ca=True,
        key_usage=usage("key_cert_sign", "crl_sign"),
    )
    return Authority(key, made)


@cache
def signer(issuer: str = "plain") -> Signer:
    """A valid signer of the company ``RUC``."""
    return authority(issuer).issue()


def p12(
    one: Signer,
    password: str = "clave",
    *,
    chain: Sequence[x509.Certificate] = (),
    label: str = "firma",
) -> bytes:
    """An ordinary P12 as ``cryptography`` writes it (PBES2, AES-256)."""
    return pkcs12.serialize_key_and_certificates(
        label.encode(),
        one.key,
        one.certificate,
        list(chain) or None,
        serialization.BestAvailableEncryption(password.encode()),
    )
