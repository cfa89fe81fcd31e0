"""Everything a newcomer may type wrongly: one Spanish sentence, exit 2, no file left, no trace."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from click.testing import CliRunner
from PIL import Image

from core.cli import main
from plugins.einvoice_sri.cli.simulator import read_state
from plugins.einvoice_sri.simulator.faults import Fault, FaultPlan
from plugins.einvoice_sri.simulator.state import State
from tests.factories.sri import signed_invoice

KEY, SIGNED = signed_invoice(1)
BUILD = ("key", "build", "--date", "2026-04-25", "--ruc", "1790012345001", "--series", "001-002")
REFUSED = [
    (("validate", "none.xml"), "no existe"),
    (("validate", "folder"), "es una carpeta"),
    (("validate", "empty.xml"), "está vacío"),
    (("validate", "binary"), "no empieza con"),
    (("validate", "cut.xml"), "termina antes de tiempo"),
    (("validate", "foreign.xml"), "ninguno de los seis"),
    (("validate",), "Falta ARCHIVO"),
    (("verify", "empty.xml"), "está vacío"),
    (("verify", "signed.xml", "--ca", "binary"), "ningún certificado"),
    (("verify", "signed.xml", "--ca", "none.pem"), "no existe"),
    (("sign", "empty.xml", "--p12", "binary", "-o", "out"), "no es un P12"),
    (("sign", "signed.xml", "--p12", "folder", "-o", "out"), "es una carpeta"),
    (("sign", "signed.xml", "--p12", "binary", "-o", "out", "--at", "ayer"), "no es una hora"),
    (("sign", "signed.xml", "--p12", "binary", "-o", "out", "--hash", "md5"), "sha256"),
    (("ride", "binary", "-o", "out"), "no empieza con"),
    (("ride", "signed.xml", "-o", "out", "--logo", "binary"), "PNG o JPEG"),
    (("ride", "signed.xml", "-o", "folder"), "es una carpeta"),
    ((*BUILD, "--number", "0"), "de 1 a 999999999"),
    ((*BUILD, "--number", "7", "--code", "1"), "--code se escribe como"),
    ((*BUILD[:5], "179", *BUILD[6:], "--number", "7"), "--ruc se escribe como"),
    (("p12", "inspect", "binary"), "no es un P12"),
    (("p12", "inspect", "none.p12"), "no existe"),
    (("send", "plain.xml", "--env", "pruebas"), "fírmelo antes"),
    (("send", "signed.xml", "--env", "marte"), "pruebas, produccion, simulator"),
    (("status", "123", "--env", "pruebas"), "49 dígitos"),
    (("simulator", "--port", "99999"), "de 0 a 65535"),
    (("simulator", "--state", "binary"), "no es un estado"),
    (("simulator", "--fault-rate", "5"), "de 0 a 1, como 0.2"),
    (("simulator", "--fault-rate", "nan"), "de 0 a 1, como 0.2"),
    (("simulator", "--fault", "slow:1.2.3"), "slow lleva segundos"),
    (("simulator", "--fault", "in-process:2.5"), "in-process un número entero"),
    (("simulator", "--fault", "http500:7"), "nada después de «:»"),
    (("simulator", "--outage", "2026-04-25T12:00/2026-04-25T08:00"), "no es un corte"),
    (("simulator", "--outage", "mañana"), "no es un corte"),
    (("valdate",), "¿quiso decir validate?"),
]
ENGLISH = ("Error", "Traceback", "does not exist", "line 1, column", "Usage:", "Invalid value")


def test_each_wrong_command_is_one_spanish_sentence_and_leaves_nothing(tmp_path, monkeypatch, host):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.xml").write_bytes(b"")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "signed.xml").write_bytes(SIGNED)
    (tmp_path / "cut.xml").write_bytes(SIGNED[: len(SIGNED) // 2])
    (tmp_path / "plain.xml").write_bytes(b'<factura id="comprobante" version="1.1.0"/>')
    (tmp_path / "foreign.xml").write_bytes(b"<pedido/>")
    before = sorted(tmp_path.iterdir())
    for arguments, says in REFUSED:
        done = CliRunner().invoke(main, ["sri", *arguments], input="clave\n")
        told = done.stderr.strip()
        assert (done.exit_code, done.stdout) == (2, ""), (arguments, done.output)
        assert told.startswith("yupana: "), (arguments, told)
        assert says in told, (arguments, told)
        assert "\n" not in told, told
        assert not [word for word in ENGLISH if word in told], told
        assert sorted(tmp_path.iterdir()) == before, arguments


def test_wrong_usage_is_json_where_json_was_asked_for(monkeypatch, host):
    arguments = ["sri", "validate", "none.xml", "--json"]
    monkeypatch.setattr(sys, "argv", ["yupana", *arguments])
    done = CliRunner().invoke(main, arguments)
    answer = json.loads(done.stdout)
    assert (done.exit_code, done.stderr, answer["ok"]) == (2, "", False)
    assert "none.xml no existe" in answer["sentence"]


def test_a_key_says_which_digits_are_wrong_and_a_picture_is_a_logo(tmp_path, host):
    wrong = KEY[:-1] + str((int(KEY[-1]) + 1) % 10)
    for key, says in ((wrong, "último dígito"), ("0" * 49, "fecha"), ("12", "tiene 2")):
        done = CliRunner().invoke(main, ["sri", "key", "inspect", key])
        assert (done.exit_code, says in done.stdout) == (1, True), done.output
    (tmp_path / "in.xml").write_bytes(SIGNED)
    Image.new("RGB", (40, 20), "teal").save(tmp_path / "logo.png")
    made = CliRunner().invoke(
        main,
        ["sri", "ride", str(tmp_path / "in.xml"), "-o", str(tmp_path / "out.pdf"),
         "--logo", str(tmp_path / "logo.png")],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


def test_the_simulators_file_keeps_its_faults_until_others_are_given(tmp_path):
    """Also one of a release that wrote no faults."""
    file, old = tmp_path / "state.json", tmp_path / "old.json"
    kept = FaultPlan([Fault.parse("return:45")], seed=7, rate=0.5)
    kept.decide("autorizacion", "1" * 49, datetime(2026, 4, 25, 13, tzinfo=UTC))
    file.write_text(json.dumps({**State(receptions=3).dump(), "plan": kept.dump()}))
    old.write_text(json.dumps(State(receptions=4).dump()))
    goes_on, starts_anew, given = FaultPlan(), FaultPlan(seed=8), FaultPlan(seed=9)
    assert read_state(file, goes_on, is_planned=False).receptions == 3
    assert goes_on.dump() == kept.dump()
    assert read_state(file, starts_anew, is_planned=True).receptions == 3
    assert starts_anew.dump() == {**FaultPlan(seed=8).dump(), "seen": kept.dump()["seen"]}
    assert read_state(old, given, is_planned=False).receptions == 4
    assert given.dump() == FaultPlan(seed=9).dump()
