"""``yupana sri send | status | simulator`` against a simulator that was started as a command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from core import settings
from plugins.einvoice_sri.cli import sri
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.einvoice_sri.simulator.faults import Fault
from plugins.einvoice_sri.simulator.server import serving
from tests.factories.sri import authority, signed_invoice
from tests.factories.sri import simulator as simulated_site

ROOT = Path(__file__).resolve().parents[4]
NOWHERE = "http://127.0.0.1:9"  # nothing listens at the port "discard"
UNKNOWN = "0407201901179217775800110010020000000301234567815"


def start(home: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, object]]:
    """The command with ``--json``, once it has said where it serves."""
    (home / "ca.pem").write_bytes(authority().chain_pem())
    running = subprocess.Popen(
        [sys.executable, "-m", "core.cli", "sri", "simulator", "--port", "0", "--json",
         "--now", "2026-04-25T08:00:00-05:00", "--ca", "ca.pem", *options],
        cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "YUPANA_HOME": str(home)},
    )  # fmt: skip
    assert running.stdout is not None
    line = running.stdout.readline()
    if not line:
        raise AssertionError(running.communicate(timeout=60)[1])
    return running, json.loads(line)


def stop(running: subprocess.Popen[str]) -> dict[str, object]:
    """Ask it to stop; what it says at the end."""
    running.send_signal(signal.SIGTERM)
    said, complained = running.communicate(timeout=60)
    assert running.returncode == 0, complained
    return json.loads(said)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("simulator")


@pytest.fixture(scope="module")
def simulator(home):
    """A simulator that returns the first delivery with code 35."""
    running, told = start(home, "--fault", "return:35@recepcionx1")
    try:
        yield str(told["url"])
    finally:
        if running.poll() is None:
            running.kill()
            running.communicate(timeout=60)


def run(url: str, *arguments: object, code: int):
    given = settings.current().model_copy(update={"sri_url": url})
    result = CliRunner().invoke(sri, [str(one) for one in arguments], obj=given)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def answer(url: str, *arguments: object, code: int) -> dict[str, object]:
    return json.loads(run(url, *arguments, "--env", "simulator", "--json", code=code).stdout)


def test_a_document_from_delivery_to_authorised_file(simulator, tmp_path):
    clave, content = signed_invoice(1)
    file, out = tmp_path / "in.xml", tmp_path / "out.xml"
    file.write_bytes(content)
    refused = answer(simulator, "send", file, code=1)
    assert (refused["state"], refused["messages"][0]["code"]) == ("DEVUELTA", "35")
    assert answer(simulator, "status", clave, code=3)["state"] == "NADA"
    assert answer(simulator, "send", file, code=0)["state"] == "RECIBIDA"
    told = answer(simulator, "status", clave, "-o", out, code=0)
    assert (told["state"], told["at"]) == ("AUTORIZADO", "2026-04-25T08:00:00-05:00")
    assert out.read_bytes().count(content) == 1
    assert open_envelope(out.read_bytes()).numero_autorizacion == clave
    again = answer(simulator, "send", file, code=0)  # 43: SRI has it, which is success
    assert (again["state"], again["messages"][0]["code"]) == ("DEVUELTA", "43")
    words = run(simulator, "status", clave, "--env", "simulator", code=0).stdout
    assert words.startswith("AUTORIZADO 2026-04-25")


def test_wrong_input_is_refused_before_a_call(simulator, tmp_path):
    plain = tmp_path / "plain.xml"
    plain.write_bytes(b'<factura id="comprobante" version="1.1.0"/>')
    assert answer(simulator, "send", plain, code=2)["code"] == "sri_send_unsigned"
    plain.write_bytes(b"no es xml")
    assert answer(simulator, "send", plain, code=2)["ok"] is False
    assert answer(simulator, "status", UNKNOWN[:-1] + "0", code=2)["code"] == "sri_key_invalid"
    assert answer(simulator, "status", UNKNOWN, code=3)["state"] == "NADA"
    run(simulator, "send", tmp_path / "absent.xml", "--env", "simulator", code=2)
    run(simulator, "send", plain, "--env", "somewhere", code=2)
    run(simulator, "send", plain, code=2)  # --env is obligatory
    plain.write_bytes(signed_invoice(2)[1])
    assert answer(NOWHERE, "status", UNKNOWN, code=3)["state"] == "unknown"


def test_only_what_may_have_left_is_unknown(tmp_path):
    file = tmp_path / "in.xml"
    file.write_bytes(signed_invoice(2)[1])
    told = answer(NOWHERE, "send", file, code=3)
    assert (told["state"], told["problem"]) == ("not_sent", "unreachable")
    assert "No se envió nada" in str(told["sentence"])
    words = run(NOWHERE, "send", file, "--env", "simulator", code=3).output
    assert "No se envió nada" in words
    assert "no se sabe" not in words
    site = simulated_site()
    site.plan.add(Fault.parse("drop-after"))
    with serving(site) as server:
        lost = answer(server.url, "send", file, code=3)
    assert (lost["state"], len(site.engine.state.entries)) == ("unknown", 1)
    assert "no se sabe" in str(lost["sentence"]).lower()


def test_a_file_that_cannot_be_written_is_told(simulator, tmp_path):
    clave, content = signed_invoice(3)
    (tmp_path / "in.xml").write_bytes(content)
    answer(simulator, "send", tmp_path / "in.xml", code=0)
    out = tmp_path / "absent" / "out.xml"
    assert answer(simulator, "status", clave, "-o", out, code=2)["code"] == "sri_cli_write"


def test_a_list_of_keys_is_fetched_and_gone_on_with(simulator, tmp_path):
    made = dict(signed_invoice(number) for number in (5, 6, 7))
    keys, out = list(made), tmp_path / "out"
    (tmp_path / "in.xml").write_bytes(made[keys[0]])
    answer(simulator, "send", tmp_path / "in.xml", code=0)
    listed = tmp_path / "keys.txt"
    listed.write_text("\n".join(keys))
    fast = ("--per-minute", "6000", "-o", out)
    first = answer(simulator, "fetch", listed, *fast, code=3)
    assert (first["fetched"], first["missing"]) == (1, {keys[1]: "NADA", keys[2]: "NADA"})
    for key in keys[1:]:
        (tmp_path / "in.xml").write_bytes(made[key])
        answer(simulator, "send", tmp_path / "in.xml", code=0)
    (out / f"{keys[0]}.xml").write_bytes(b"mine")  # what is there is not asked for again
    assert answer(simulator, "fetch", listed, *fast, code=0)["fetched"] == 3
    assert (out / f"{keys[0]}.xml").read_bytes() == b"mine"
    assert (out / f"{keys[2]}.xml").read_bytes().count(made[keys[2]]) == 1
    listed.write_text("123")
    assert answer(simulator, "fetch", listed, *fast, code=2)["code"] == "sri_key_invalid"


def test_the_state_is_kept_from_start_to_start(tmp_path):
    clave, content = signed_invoice(4)
    (tmp_path / "in.xml").write_bytes(content)
    running, told = start(tmp_path, "--state", "state.json")
    try:
        answer(str(told["url"]), "send", tmp_path / "in.xml", code=0)
        ended = stop(running)
        assert (ended["stopped"], ended["receptions"]) == (True, 1)
        running, told = start(tmp_path, "--state", "state.json")
        assert answer(str(told["url"]), "status", clave, code=0)["state"] == "AUTORIZADO"
        port = str(told["url"]).rsplit(":", 1)[1].rstrip("/")
        taken = subprocess.run(
            [sys.executable, "-m", "core.cli", "sri", "simulator", "--port", port],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "YUPANA_HOME": str(tmp_path)},
        )  # fmt: skip
        assert (taken.returncode, port in taken.stderr) == (2, True)
        stop(running)
    finally:
        if running.poll() is None:
            running.kill()
            running.communicate(timeout=60)


@pytest.mark.parametrize(
    "options",
    [["--fault", "nonsense"], ["--now", "ayer"], ["--ca", "absent.pem"], ["--port", "viele"]],
)
def test_options_that_cannot_be_read(options, tmp_path):
    given = settings.current().model_copy(update={"home": tmp_path})
    assert CliRunner().invoke(sri, ["simulator", *options], obj=given).exit_code == 2
