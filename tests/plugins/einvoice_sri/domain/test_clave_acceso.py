from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain import secuencial
from plugins.einvoice_sri.domain.tipos import Ambiente, TipoComprobante

# Keys of documents that SRI authorised (../shared/sri/README.md, section 1).
REALES = (
    "1002202601010344904700110010010000000167704970815",
    "2312202207080210902500120020010000000039846951111",
    "0511202301091932512600120021000000000078085606711",
    "1212202201099289028200120010020000024643140945416",
    "0407201901179217775800110010020000000301234567815",
)


def con_digito(cuerpo):
    return cuerpo + claves.digito(cuerpo)


@pytest.mark.parametrize("clave", REALES)
def test_real_keys_are_valid_and_built_again_from_their_parts(clave):
    partes = claves.parse(clave)
    assert claves.is_valid(clave)
    assert clave == claves.build(
        fecha_emision=partes.fecha_emision,
        cod_doc=partes.cod_doc,
        ruc=partes.ruc,
        ambiente=partes.ambiente,
        establecimiento=partes.establecimiento,
        punto_emision=partes.punto_emision,
        secuencial=int(partes.secuencial),
        codigo_numerico=partes.codigo_numerico,
    )


def test_a_key_is_taken_apart():
    assert claves.parse(REALES[3]) == claves.ClaveAcceso(
        fecha_emision=date(2022, 12, 12),
        cod_doc=TipoComprobante.FACTURA,
        ruc="0992890282001",
        ambiente=Ambiente.PRODUCCION,
        establecimiento="001",
        punto_emision="002",
        secuencial="000002464",
        codigo_numerico="31409454",
    )


def test_the_digit_of_the_ficha():
    assert claves.digito("41261533") == "6"  # 104 = 9 x 11 + 5
    assert claves.digito("0" * 48) == "0"  # 11 becomes 0
    assert claves.digito("6") == "1"  # 12 = 11 + 1: 10 becomes 1


def test_the_key_printed_in_the_ficha_has_a_wrong_digit():
    assert not claves.is_valid("0403201301176815353000110015010000000081234567816")


@pytest.mark.parametrize(
    ("clave", "motivo"),
    [
        ("", "largo"),
        (REALES[0][:48], "largo"),
        (REALES[0][:48] + "x", "largo"),
        ("\u0661" * 49, "largo"),
        (REALES[0][:48] + "6", "digito"),
        ("0" * 49, "fecha"),
        (con_digito("3102" + REALES[0][4:48]), "fecha"),
        (con_digito(REALES[0][:8] + "02" + REALES[0][10:48]), "cod_doc"),
        (con_digito(REALES[0][:20] + "002" + REALES[0][23:48]), "ruc"),
        (con_digito(REALES[0][:23] + "3" + REALES[0][24:48]), "ambiente"),
        (con_digito(REALES[0][:47] + "2"), "tipo_emision"),
    ],
)
def test_every_wrong_part_is_named(clave, motivo):
    with pytest.raises(claves.ClaveInvalida) as wrong:
        claves.parse(clave)
    assert wrong.value.motivo == motivo
    assert not claves.is_valid(clave)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 48), st.integers(1, 9))
def test_one_changed_digit_never_gives_the_same_check(place, step):
    clave = REALES[1]
    changed = clave[:place] + str((int(clave[place]) + step) % 10) + clave[place + 1 :]
    # Modulo 11 with 11 -> 0 and 10 -> 1 leaves a few pairs apart by design; length and parts stay.
    if claves.is_valid(changed):
        assert claves.digito(changed[:48]) == changed[48]
    else:
        assert changed != clave


def test_the_same_document_gets_the_same_code():
    document = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert claves.codigo_numerico(document) == claves.codigo_numerico(document)
    assert len(claves.codigo_numerico(UUID(int=7))) == 8


def test_parts_that_do_not_fit_are_refused():
    partes = {
        "fecha_emision": date(2026, 4, 25), "cod_doc": TipoComprobante.FACTURA, "ruc": "1790012345001",
        "ambiente": Ambiente.PRUEBAS, "establecimiento": "001", "punto_emision": "002", "secuencial": 1,
        "codigo_numerico": "12345678",
    }  # fmt: skip
    assert claves.is_valid(claves.build(**partes))
    with pytest.raises(claves.ClaveInvalida):
        claves.build(**{**partes, "ruc": "179001234500"})
    with pytest.raises(ValueError, match="out of range"):
        claves.build(**{**partes, "secuencial": 0})


def test_numbers_of_documents():
    assert secuencial.texto(123) == "000000123"
    assert secuencial.numero("001", "002", "000000123") == "001-002-000000123"
    assert secuencial.partes("001-002-000000123") == ("001", "002", "000000123")
    assert secuencial.sin_guiones("001-002-000000123") == "001002000000123"
    for wrong in ("1-2-3", "001-002-1234567890", "x"):
        with pytest.raises(ValueError, match="document number"):
            secuencial.partes(wrong)
    with pytest.raises(ValueError, match="out of range"):
        secuencial.texto(1_000_000_000)
