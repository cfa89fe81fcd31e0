"""What a signature of SRI's shape covers, taken by lxml alone: the judge of mutation tests.

Two files say the same when every covered part has the same canonical form (C14N 1.0, without comments)
and the signature's value the same bytes. Nothing of the product's reader, signer or verifier is used.
"""

from __future__ import annotations

import base64

from lxml import etree

DS = "{http://www.w3.org/2000/09/xmldsig#}"
ETSI = "{http://uri.etsi.org/01903/v1.3.2#}"


def covered(signed: bytes) -> dict[str, list[bytes]]:
    """The canonical bytes of each covered part; lists, so that a second one is seen too."""
    root = etree.fromstring(signed, _parser())
    parts = {
        name: [_c14n(one) for one in root.iter(tag)]
        for name, tag in (
            ("SignedInfo", f"{DS}SignedInfo"),
            ("KeyInfo", f"{DS}KeyInfo"),
            ("SignedProperties", f"{ETSI}SignedProperties"),
        )
    }
    parts["SignatureValue"] = [
        base64.b64decode("".join((one.text or "").split()))
        for one in root.iter(f"{DS}SignatureValue")
    ]
    parts["tags"] = [one.tag.encode() for one in root.iter(f"{{{DS[1:-1]}}}*", f"{ETSI}*")]
    for one in list(root.iter(f"{DS}Signature")):
        tail, before, parent = one.tail or "", one.getprevious(), one.getparent()
        if parent is None:
            continue
        parent.remove(one)
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
    parts["document"] = [_c14n(root)]
    return parts


def says_the_same(signed: bytes, changed: bytes) -> bool:
    """Is the change none, as far as a signature can tell?"""
    try:
        return covered(changed) == covered(signed)
    except (etree.XMLSyntaxError, ValueError):
        return False


def _c14n(element: etree._Element) -> bytes:
    tail, element.tail = element.tail, None
    text = etree.tostring(element, method="c14n", exclusive=False, with_comments=False)
    element.tail = tail
    return bytes(text)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
