"""The life of a document as a table, and what each answer of SRI means."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.einvoice_sri.domain import catalogos, estados
from plugins.einvoice_sri.domain.estados import (
    Estado,
    Respuesta,
    TransicionInvalida,
    siguiente,
)
from plugins.einvoice_sri.domain.ports import (
    Autorizacion,
    Mensaje,
    Recepcion,
    RespuestaAutorizacion,
)

E, R = Estado, Respuesta

# The same table, written by hand from ../shared/design/emission_targets.md ("Never two, never none").
ROWS = """
requested            | signed                     | signed
requested            | not signable               | rejected
signed               | sending                    | unknown
unknown              | not delivered              | signed
unknown              | no answer                  | unknown
unknown              | RECIBIDA                   | received
unknown              | already there              | received
unknown              | number registered          | unknown
unknown              | transient                  | unknown
unknown              | correct it                 | rejected
unknown              | person needed              | paused
unknown              | AUTORIZADO                 | authorized
unknown              | NO AUTORIZADO, correct it  | rejected
unknown              | NO AUTORIZADO, person needed | paused
unknown              | EN PROCESO                 | received
unknown              | nothing known              | signed
unknown              | nothing known after 45     | paused
received             | not delivered              | received
received             | no answer                  | received
received             | AUTORIZADO                 | authorized
received             | NO AUTORIZADO, correct it  | rejected
received             | NO AUTORIZADO, person needed | paused
received             | EN PROCESO                 | received
received             | nothing known              | received
received             | 24 hours without a verdict | unknown
rejected             | corrected                  | requested
rejected             | AUTORIZADO                 | authorized
paused               | resumed                    | unknown
paused               | corrected                  | requested
paused               | AUTORIZADO                 | authorized
authorized           | AUTORIZADO                 | authorized
authorized           | annulment requested        | annulment_requested
authorized           | annulled                   | annulled
annulment_requested  | annulled                   | annulled
annulment_requested  | annulment refused          | authorized
"""
TABLE = {
    (E(state), R(answer)): E(after)
    for state, answer, after in (
        [part.strip() for part in row.split("|")] for row in ROWS.strip().splitlines()
    )
}


@pytest.mark.parametrize(("state", "answer"), list(product(E, R)))
def test_the_table(state, answer):
    expected = TABLE.get((state, answer))
    if expected is None:
        with pytest.raises(TransicionInvalida) as caught:
            siguiente(state, answer)
        assert (caught.value.estado, caught.value.respuesta) == (state, answer)
    else:
        assert siguiente(state, answer) is expected


def test_nothing_leads_back_from_standing_but_a_refused_annulment():
    leaving = {
        (before, after)
        for (before, _answer), after in TABLE.items()
        if before in estados.STANDING and after not in estados.STANDING
    }
    assert leaving == set()


def test_only_sris_word_authorises():
    assert {answer for (_state, answer), after in TABLE.items() if after is E.AUTHORIZED} == {
        R.AUTORIZADO,
        R.ANULACION_NEGADA,
    }


def returned(*codes: str) -> Recepcion:
    return Recepcion("DEVUELTA", tuple(Mensaje(code, "x") for code in codes))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Recepcion("RECIBIDA"), R.RECIBIDA),
        (returned("43"), R.YA_ESTA),
        (returned("70"), R.YA_ESTA),
        (returned("45"), R.SECUENCIAL_REGISTRADO),
        (returned("50"), R.TRANSITORIO),
        (returned(), R.TRANSITORIO),
        (returned("35"), R.CORREGIR),
        (returned("65"), R.CORREGIR),
        (returned("26"), R.CORREGIR),
        (returned("28"), R.PERSONA),
        (returned("02"), R.PERSONA),
        (returned("999"), R.PERSONA),  # not in the catalogue: nobody knows what it stops
        (returned("35", "999"), R.PERSONA),
        (returned("999", "43"), R.YA_ESTA),
        (returned(""), R.CORREGIR),
        (returned("35", "43"), R.YA_ESTA),
        (Recepcion("DEVUELTA", (Mensaje("60", "x", tipo="ADVERTENCIA"),)), R.TRANSITORIO),
    ],
)
def test_receptions(answer, expected):
    assert estados.de_recepcion(answer) is expected


@pytest.mark.parametrize(
    ("codes", "decides"),
    [
        ((), ""), (("35",), "35"), (("35", "57"), "57"), (("35", "999"), "999"), (("57", "45"), "45"),
        (("52", "35"), "52"), (("043", "35"), "43"), (("",), ""),
    ],
)  # fmt: skip
def test_the_code_that_decides_is_the_one_that_stops(codes, decides):
    mensajes = (Mensaje("59", "x", tipo="ADVERTENCIA"), *(Mensaje(one, "x") for one in codes))
    assert estados.codigo(mensajes) == (decides if codes else "59")
    assert estados.codigo(mensajes[1:]) == decides


def test_what_stops_an_issuer_is_what_the_catalogue_says():
    stopping = {code for code, one in catalogos.errores().items() if one.grupo == "bloqueo"}
    assert stopping == {code for code in catalogos.errores() if estados.requiere_persona(code)}
    assert estados.requiere_persona("777")
    assert "se detiene" in catalogos.error("777").que_hacer


def node(estado: str, code: str = "", fecha: str = "2026-04-25T08:00:00-05:00") -> Autorizacion:
    return Autorizacion(estado, fecha=fecha, mensajes=(Mensaje(code, "x"),) if code else ())


def about(*nodes: Autorizacion) -> RespuestaAutorizacion:
    return RespuestaAutorizacion("k", nodes)


@pytest.mark.parametrize(
    ("answer", "last", "expected"),
    [
        (about(), "", R.NADA),
        (about(), "45", R.NADA_TRAS_45),
        (about(node("AUTORIZADO")), "45", R.AUTORIZADO),
        (about(node("AUT")), "", R.AUTORIZADO),
        (about(node("EN PROCESO")), "", R.EN_PROCESO),
        (about(node("PPR")), "", R.EN_PROCESO),
        (about(node("NO AUTORIZADO", "39")), "", R.NO_AUTORIZADO_CORREGIR),
        (about(node("NO AUTORIZADO", "57")), "", R.NO_AUTORIZADO_PERSONA),
        (about(node("RECHAZADO", "52")), "", R.NO_AUTORIZADO_CORREGIR),
        (about(node("NO AUTORIZADO", "777")), "", R.NO_AUTORIZADO_PERSONA),
        (about(node("NO AUTORIZADO")), "", R.NO_AUTORIZADO_CORREGIR),
        (
            about(node("NO AUTORIZADO", "39"), node("AUTORIZADO"), node("NO AUTORIZADO", "52")),
            "",
            R.AUTORIZADO,
        ),
        (
            about(
                node("NO AUTORIZADO", "39", "2026-04-25T09:00:00-05:00"),
                node("EN PROCESO", "", "2026-04-25T08:00:00-05:00"),
            ),
            "",
            R.NO_AUTORIZADO_CORREGIR,
        ),
        (about(node("NO AUTORIZADO", "39"), node("EN PROCESO")), "", R.EN_PROCESO),
    ],
)
def test_authorisations(answer, last, expected):
    assert estados.de_autorizacion(answer, last) is expected


def test_pauses_grow_to_a_quarter_of_an_hour():
    waits = [estados.pausa(number) for number in range(1, 40)]
    assert waits[0] == timedelta(seconds=2)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=15)


FROM_SRI = [
    R.NO_ENTREGADO,
    R.SIN_RESPUESTA,
    R.RECIBIDA,
    R.YA_ESTA,
    R.AUTORIZADO,
    R.NADA,
    R.EN_PROCESO,
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(FROM_SRI), max_size=30))
def test_a_walk_never_goes_astray(answers):
    """Whatever SRI says in whatever order, a sent document is signed, unknown, received or authorised."""
    state = E.UNKNOWN
    for answer in answers:
        if state is E.SIGNED:
            state = siguiente(state, R.ENVIANDO)
        try:
            state = siguiente(state, answer)
        except TransicionInvalida:
            continue
        assert state in (E.SIGNED, E.UNKNOWN, E.RECEIVED, E.AUTHORIZED)
