"""Signatures, judged by xmlsec1, by SRI's own schema and by independent digests."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from plugins.einvoice_sri.domain.canonical import XmlRefused
from plugins.einvoice_sri.domain.certificado import read_certificado
from plugins.einvoice_sri.domain.xades import SigningKey, sign, sign_canonical
from plugins.einvoice_sri.domain.xades_template import SignatureIds, SignatureRefused
from tests.factories import certificates as made

SHARED = Path(__file__).resolve().parents[5] / "shared" / "sri"
AT = datetime(2026, 4, 25, 13, 3, 7, 999_000, tzinfo=UTC)
DS = "{http://www.w3.org/2000/09/xmldsig#}"
ETSI = "{http://uri.etsi.org/01903/v1.3.2#}"
BODY = (
    '<factura id="comprobante" version="1.1.0"><infoTributaria><razonSocial>ÑANDÚ &amp; CÍA'
    "</razonSocial></infoTributaria></factura>"
).encode()
needs_xmlsec1 = pytest.mark.skipif(not shutil.which("xmlsec1"), reason="xmlsec1 is not installed")


@pytest.fixture(scope="module")
def key() -> SigningKey:
    one = made.signer()
    return SigningKey.load(one.key_der, one.der, validate=True)


def xmlsec1(signed: bytes, tmp_path: Path, *, anchor: bytes, root: str = "factura") -> str:
    """Verify with the anchor as the only trusted certificate; returns what xmlsec1 printed."""
    (tmp_path / "signed.xml").write_bytes(signed)
    (tmp_path / "ca.pem").write_bytes(anchor)
    done = subprocess.run(
        [
            "xmlsec1", "--verify", "--print-debug", "--trusted-pem", "ca.pem",
            "--id-attr:id", root, "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
            "--verification-time", "2026-04-25 13:03:07", "signed.xml",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_xmlsec1
@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
@pytest.mark.parametrize("path", [sign, sign_canonical])
def test_xmlsec1_accepts_all_references(key, tmp_path, path, hash_name):
    signed = path(BODY, key, signing_time=AT, hash=hash_name)
    xmlsec1(signed, tmp_path, anchor=made.authority().pem)
    assert signed.count(b"<ds:Reference ") == 3


@needs_xmlsec1
@pytest.mark.parametrize(
    "body",
    [
        b'<f id="comprobante" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="a"/>',
        b'<f id="comprobante" xml:lang="es" xml:space="preserve"><a>\r\n</a></f>',
        b'<f id="comprobante" xmlns="urn:xy" xmlns:z="urn:z"><z:a b=\'"\'/></f>',
        b'<f id="comprobante" xmlns:ds="urn:not-a-signature"><a><ds:b/></a></f>',
        b'<f id="comprobante" xmlns:etsi="http://uri.etsi.org/01903/v1.3.2#"><a/></f>',
        "<?xml version='1.0' encoding='ISO-8859-1'?><!-- x --><f id='comprobante'>ñ<!-- y -->z</f><?p?>"
        .encode("latin-1"),
        '<?xml version="1.0" encoding="UTF-16"?><f id="comprobante">ñ€</f>'.encode("utf-16"),
        b'<f version="1" id="otro"><a><![CDATA[<x>&]]></a></f>',
    ],
)  # fmt: skip
def test_any_document_is_signed_in_its_namespaces(key, tmp_path, body):
    signed = sign(body, key, signing_time=AT)
    xmlsec1(
        signed,
        tmp_path,
        anchor=made.authority().pem,
        root=etree.fromstring(signed).tag.replace("{urn:xy}", "urn:xy:"),
    )


def test_both_paths_write_the_same_bytes(key):
    declared = b'<?xml version="1.0" encoding="UTF-8"?>\n' + BODY
    expected = sign(BODY, key, signing_time=AT)
    assert sign_canonical(BODY, key, signing_time=AT) == expected
    assert sign_canonical(declared, key, signing_time=AT) == expected
    assert sign(declared, key, signing_time=AT) == expected


def test_the_signature_is_the_one_of_the_ficha(key):
    root = etree.fromstring(sign(BODY, key, signing_time=AT))
    signature = root[-1]
    assert signature.tag == f"{DS}Signature"
    references = signature.findall(f"{DS}SignedInfo/{DS}Reference")
    assert [one.get("URI") for one in references] == [
        "#Signature-SignedProperties", "#Certificate", "#comprobante",
    ]  # fmt: skip
    assert references[0].get("Type") == "http://uri.etsi.org/01903#SignedProperties"
    transforms = [one.get("Algorithm") for one in references[2].iter(f"{DS}Transform")]
    assert transforms == ["http://www.w3.org/2000/09/xmldsig#enveloped-signature"]
    assert [one.tag for one in signature] == [
        f"{DS}SignedInfo", f"{DS}SignatureValue", f"{DS}KeyInfo", f"{DS}Object",
    ]  # fmt: skip
    assert signature.findtext(f".//{ETSI}SigningTime") == "2026-04-25T08:03:07-05:00"
    assert signature.findtext(f".//{ETSI}Description") == "contenido comprobante"
    assert signature.findtext(f".//{ETSI}MimeType") == "text/xml"
    assert signature.find(f".//{ETSI}DataObjectFormat").get("ObjectReference") == "#Reference-ID"
    assert signature.findtext(f".//{DS}X509SerialNumber") == "1234567890123456789"


def test_ids_and_time_are_arguments(key):
    one = sign(BODY, key, signing_time=AT, ids=SignatureIds.numbered(814463))
    assert one == sign(BODY, key, signing_time=AT, ids=SignatureIds.numbered(814463))
    assert b'Id="Signature814463"' in one
    assert one != sign(BODY, key, signing_time=AT + timedelta(seconds=1))
    with pytest.raises(ValueError, match="zone"):
        sign(BODY, key, signing_time=AT.replace(tzinfo=None))


@pytest.mark.parametrize("issuer", made.ISSUER_NAMES)
def test_issuer_names_equal_those_of_java(issuer):
    one = made.signer(issuer)
    assert read_certificado(one.der).issuer_name == made.ISSUER_NAMES[issuer][1]
    signed = sign(BODY, SigningKey.load(one.key_der, one.der), signing_time=AT)
    assert (
        etree.fromstring(signed).findtext(f".//{DS}X509IssuerName") == made.ISSUER_NAMES[issuer][1]
    )


@needs_xmlsec1
@pytest.mark.parametrize("issuer", made.ISSUER_NAMES)
def test_xmlsec1_accepts_every_issuer(issuer, tmp_path):
    one = made.signer(issuer)
    signed = sign(BODY, SigningKey.load(one.key_der, one.der), signing_time=AT)
    xmlsec1(signed, tmp_path, anchor=made.authority(issuer).pem)


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (b"", "sri_xml_malformed"),
        (b"<a", "sri_xml_malformed"),
        (b"<a>\xff</a>", "sri_xml_malformed"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a id="comprobante">&x;</a>', "sri_xml_doctype"),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a id="b"/>'.encode("utf-16"), "sri_xml_doctype"),
        (b"<a>" + b" " * 2_000_000 + b"</a>", "sri_xml_too_large"),
        (b"<a><b/></a>", "sri_sign_no_id"),
        (b'<a id="x" xmlns="urn:a&amp;b"/>', "sri_sign_bad_namespace"),
        (b'<a id="x"><b xmlns:c="urn:a&amp;b"/></a>', "sri_sign_bad_namespace"),
    ],
)  # fmt: skip
def test_what_cannot_be_signed_is_refused_by_name(key, xml, code):
    with pytest.raises((XmlRefused, SignatureRefused)) as refused:
        sign(xml, key, signing_time=AT)
    assert refused.value.code == code


def test_a_signed_document_is_not_signed_again(key):
    with pytest.raises(SignatureRefused) as refused:
        sign(sign(BODY, key, signing_time=AT), key, signing_time=AT)
    assert refused.value.code == "sri_sign_already_signed"


def test_a_key_needs_its_own_certificate():
    with pytest.raises(SignatureRefused) as refused:
        SigningKey.load(made.key_der(made.rsa_key("other")), made.signer().der)
    assert refused.value.code == "sri_sign_key_mismatch"
    with pytest.raises(SignatureRefused) as refused:
        SigningKey.load(b"not a key", made.signer().der)
    assert refused.value.code == "sri_sign_bad_key"


@pytest.mark.skipif(not SHARED.is_dir(), reason="SRI's schemas are not beside the project")
def test_a_signed_document_is_valid_by_the_schema_of_sri(key):
    schema = _official("factura_V1.1.0.xsd")
    sample = etree.parse(SHARED / "samples/synthetic/factura_1.1.0.xml").getroot()
    sample.remove(sample.find(f"{DS}Signature"))
    signed = sign(etree.tostring(sample), key, signing_time=AT)
    schema.assertValid(etree.fromstring(signed))


def _official(filename: str) -> etree.XMLSchema:
    class Local(etree.Resolver):
        def resolve(self, url, pubid, context):
            return self.resolve_filename(str(SHARED / "xsd" / Path(url).name), context)

    parser = etree.XMLParser(load_dtd=False, no_network=True)
    parser.resolvers.add(Local())
    return etree.XMLSchema(etree.parse(str(SHARED / "xsd" / filename), parser))
