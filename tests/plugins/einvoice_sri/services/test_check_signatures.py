"""A received retención is judged by our verify; only its issuer's own signature counts by itself."""

from __future__ import annotations

import pytest

from core import plugins, settings
from core.contracts.services import SignatureChecking
from plugins.einvoice_sri.domain.xades import sign
from tests.factories.sri import authority, signing_key
from tests.plugins.sales.services.test_withholdings import AGENT, certificate


@pytest.fixture
def trusting(tmp_path):
    """The installation trusts the test authority."""
    file = tmp_path / "authorities.pem"
    file.write_bytes(authority().chain_pem())
    before = settings.current()
    settings.use(before.model_copy(update={"sri_authorities": str(file)}))
    yield
    settings.use(before)


@pytest.fixture
def judge(host) -> SignatureChecking:
    return plugins.service(SignatureChecking)


def signed(subject: str, signer: str, now) -> bytes:
    return sign(certificate(subject), signing_key(signer), signing_time=now)


def in_envelope(xml: bytes, state: str) -> bytes:
    inner = xml.decode().replace('<?xml version="1.0" encoding="UTF-8"?>', "")
    return (
        f"<autorizacion><estado>{state}</estado><comprobante><![CDATA[{inner}]]></comprobante>"
        "</autorizacion>"
    ).encode()


def test_problems_are_told_in_words_and_nothing_is_raised(judge, now):
    good = signed("1790012345001", AGENT, now)
    assert judge.problem(good, now=now) == ""
    assert judge.problem(in_envelope(good, "AUTORIZADO"), now=now) == ""
    assert "NO AUTORIZADO" in judge.problem(in_envelope(good, "NO AUTORIZADO"), now=now)
    changed = good.replace(b"<valorRetenido>0.90", b"<valorRetenido>9.90")
    assert judge.problem(changed, now=now) == "El documento fue modificado después de firmarse."
    assert "no está firmado" in judge.problem(certificate("1790012345001"), now=now)
    for odd in (b"", b"\x00\xff", b"<a>" * 5000, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
        assert judge.problem(odd, now=now)
        assert judge.is_issuers_own(odd, now=now) is False


def test_only_the_issuers_own_signature_of_a_trusted_authority_is_its_word(judge, now, request):
    own, other = signed("1790012345001", AGENT, now), signed("1790012345001", "1790085783001", now)
    assert judge.problem(other, now=now) == ""  # a representative may sign: a person decides
    assert [judge.is_issuers_own(one, now=now) for one in (own, other)] == [False, False]
    request.getfixturevalue("trusting")
    assert [judge.is_issuers_own(one, now=now) for one in (own, other)] == [True, False]
    changed = own.replace(b"<valorRetenido>0.90", b"<valorRetenido>9.90")
    assert judge.is_issuers_own(changed, now=now) is False
