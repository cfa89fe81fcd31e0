"""From the bytes of a P12 file to a key that is proven to sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugins.einvoice_sri.domain.certificado import Titular, read_titular
from plugins.einvoice_sri.domain.p12 import ContenidoP12, Eleccion, choose_par, open_p12
from plugins.einvoice_sri.domain.verify import verify
from plugins.einvoice_sri.domain.verify_informe import Informe
from plugins.einvoice_sri.domain.xades import SigningKey, sign

_TEST_DOCUMENT = b'<prueba id="comprobante" version="1.0.0"><texto>Firma de prueba</texto></prueba>'


@dataclass(frozen=True, slots=True)
class OpenedP12:
    """A P12 file, opened: what it holds, which pair was chosen and why, and its key."""

    contenido: ContenidoP12
    eleccion: Eleccion
    titular: Titular
    key: SigningKey


def open_signing_file(data: bytes, password: str, now: datetime) -> OpenedP12:
    """Open, choose and validate the arithmetic of the chosen key (33 ms, once).

    Raises ``P12Error`` or ``SignatureRefused``.
    """
    contenido = open_p12(data, password)
    eleccion = choose_par(contenido, now)
    par = eleccion.par
    key = SigningKey.load(par.key_der, par.certificado.der, validate=True)
    return OpenedP12(contenido, eleccion, read_titular(par.certificado), key)


def try_signature(key: SigningKey, now: datetime) -> Informe:
    """Sign a small document with the key and check it with the independent verifier."""
    return verify(sign(_TEST_DOCUMENT, key, signing_time=now), now=now)
