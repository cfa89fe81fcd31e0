"""``yupana licence``: a document issued from a contract verifies offline, any change shows."""

from __future__ import annotations

import base64
import json

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.db.session import unit_of_work
from plugins.licensing.cli import licence
from plugins.licensing.services import sign_licence
from tests.factories.licensing import CLIENT_RUC, make_vendor


@pytest.fixture
def signed(make_tenant, clock, drain, tmp_path):
    vendor = make_vendor(make_tenant, clock, drain)
    client = vendor.contract()
    vendor.at("2026-03-12")
    vendor.enable(client)
    with unit_of_work(vendor.operator.scope) as session:
        contract = sign_licence.find_contract(session, CLIENT_RUC)
        content = sign_licence.sign_contract(session, contract.id, now=vendor.clock.now())
        key = sign_licence.signing_key(session).public_key()
    file = tmp_path / "licencia.json"
    file.write_bytes(content)
    return file, base64.b64encode(key.public_bytes_raw()).decode()


def run(*arguments):
    return CliRunner().invoke(licence, ["verify", *map(str, arguments)])


def test_an_issued_licence_verifies_offline_until_its_grace_is_over(signed):
    file, key = signed
    answer = run(file, "--key", key, "--on", "2026-04-10", "--json")
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert (told["valid"], told["code"], told["tax_id"]) == (True, "ok", CLIENT_RUC)
    assert (told["paid_through"], told["valid_through"]) == ("2026-04-10", "2026-04-17")
    assert run(file, "--key", key, "--on", "2026-04-17").exit_code == 0
    over = run(file, "--key", key, "--on", "2026-04-18")
    assert over.exit_code == 1
    assert "17/04/2026" in over.output
    changed = json.loads(file.read_bytes())
    changed["licence"]["paid_through"] = "2036-04-10"
    file.write_text(json.dumps(changed))
    assert json.loads(run(file, "--key", key, "--on", "2026-04-10", "--json").output) == {
        "valid": False,
        "code": "signature",
    }


def test_every_verdict_is_one_spanish_sentence_with_a_remedy(signed, tmp_path):
    """What somebody sees who holds the wrong file: the sentence, and the exit code of ``--help``."""
    file, key = signed
    good = file.read_bytes()
    other = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    told = json.loads(good)
    cases = {
        "genuine": (good, key, "2026-04-10", 0, "Auténtica. Licencia de Gimnasio Andino, pagada hasta"),
        "grace": (good, key, "2026-04-12", 0, "funciona hasta el 17/04/2026"),
        "over": (good, key, "2026-04-18", 1, "Contrate un mes y pida el archivo nuevo"),
        "picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), key, "2026-04-10", 1, "use el licencia.json"),
        "empty": (b"", key, "2026-04-10", 1, "use el licencia.json"),
        "deep": (b"[" * 60_000, key, "2026-04-10", 1, "use el licencia.json"),
        "too large": (good + b" " * 70_000, key, "2026-04-10", 1, "use el licencia.json"),
        "another vendor": (good, other, "2026-04-10", 1, "use la clave pública de quien se la vendió"),
        **{
            f"changed {name}": (
                json.dumps(told | {"licence": told["licence"] | {name: value}}).encode(),
                key, "2026-04-10", 1, "pida a su proveedor el archivo original",
            )
            for name, value in (
                ("paid_through", "2036-04-10"), ("tax_id", "1790011674001"), ("grace_days", 9999),
                ("entitlements", {"documents": None}), ("legal_name", "Otra S.A."), ("plan", "Oro"),
            )
        },
    }  # fmt: skip
    for name, (content, public, day, code, sentence) in cases.items():
        file.write_bytes(content)
        answer = run(file, "--key", public, "--on", day)
        assert (name, answer.exit_code) == (name, code)
        assert sentence in answer.output, (name, answer.output)
        assert answer.output.count("\n") == 1, name
    words = " ".join(run("--help").output.split())
    for code in ("Termina con 0 si", "con 1 si", "con 2 si"):
        assert code in words


def test_wrong_keys_files_and_days_are_said(tmp_path):
    key = base64.b64encode(bytes(32)).decode()
    for arguments in (
        (tmp_path / "nowhere.json", "--key", key),
        (tmp_path, "--key", key),
        (tmp_path, "--key", "not base64"),
        (tmp_path, "--key", key, "--on", "2026-02-31"),
    ):
        answer = run(*arguments)
        assert answer.exit_code == 2, answer.output
        assert "Traceback" not in answer.output
