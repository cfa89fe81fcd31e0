"""A test certification authority: root, intermediate, and signing files (P12) for any RUC.

Its certificates say SIMULACIÓN in their names; nobody but the simulator trusts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID, ObjectIdentifier

ORGANISATION = "SIMULACION YUPANA SIN VALIDEZ"
TAX_ID_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.37746.3.11")  # where Security Data writes the RUC
KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningFile:
    """A P12 with its password, as a person would receive it."""

    content: bytes
    password: str
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class TestAuthority:
    """Root and intermediate with their keys."""

    root: x509.Certificate
    intermediate: x509.Certificate
    root_key: rsa.RSAPrivateKey
    intermediate_key: rsa.RSAPrivateKey

    __test__ = False  # pytest: this is not a test class

    @classmethod
    def create(cls, now: datetime) -> TestAuthority:
        """Make a root and an intermediate valid from a year before ``now`` for twenty years."""
        start, end = now - timedelta(days=365), now + timedelta(days=7300)
        root_key, middle_key = _key(), _key()
        root_name, middle_name = _name("AC RAIZ SIMULACION"), _name("AC SUBORDINADA SIMULACION")
        root = _authority(root_name, root_name, root_key, root_key, (start, end))
        middle = _authority(middle_name, root_name, middle_key, root_key, (start, end))
        return cls(root, middle, root_key, middle_key)

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """What the simulator's policy needs."""
        return (self.root, self.intermediate)

    def chain_pem(self) -> bytes:
        """Both certificates as PEM."""
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in self.trusted)

    def to_pem(self) -> bytes:
        """Everything, keys included and unprotected: it authorises nothing real."""
        return self.chain_pem() + b"".join(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            for key in (self.root_key, self.intermediate_key)
        )

    @classmethod
    def from_pem(cls, content: bytes) -> TestAuthority:
        """Read what ``to_pem`` wrote."""
        root, middle = x509.load_pem_x509_certificates(content)
        marker = b"-----BEGIN PRIVATE KEY-----"
        keys = [
            serialization.load_pem_private_key(marker + part, password=None)
            for part in content.split(marker)[1:]
        ]
        root_key, middle_key = keys
        if not isinstance(root_key, rsa.RSAPrivateKey) or not isinstance(
            middle_key, rsa.RSAPrivateKey
        ):
            raise TypeError("the authority's file holds no RSA keys")
        return cls(root, middle, root_key, middle_key)

    def issue(
        self, ruc: str, name: str, password: str, now: datetime, *, days: int = 730
    ) -> SigningFile:
        """A signing certificate for ``ruc`` from a day before ``now``, packed as P12."""
        key = _key()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(
                x509.Name(
                    [
                        x509.NameAttribute(NameOID.COUNTRY_NAME, "EC"),
                        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
                        x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
                        x509.NameAttribute(NameOID.SERIAL_NUMBER, ruc),
                    ]
                )
            )
            .issuer_name(self.intermediate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(
                x509.UnrecognizedExtension(
                    TAX_ID_EXTENSION, b"\x0c" + bytes([len(ruc)]) + ruc.encode()
                ),
                critical=False,
            )
            .sign(self.intermediate_key, hashes.SHA256())
        )
        content = pkcs12.serialize_key_and_certificates(
            name.encode(),
            key,
            certificate,
            [self.intermediate, self.root],
            serialization.BestAvailableEncryption(password.encode()),
        )
        return SigningFile(content, password, certificate)


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "EC"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer_key: rsa.RSAPrivateKey,
    validity: tuple[datetime, datetime],
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )
