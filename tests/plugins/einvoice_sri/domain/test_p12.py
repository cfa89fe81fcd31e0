"""Every shape of P12 that Ecuadorian authorities hand out, and every one that must be refused."""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from plugins.einvoice_sri.domain.certificado import read_titular
from plugins.einvoice_sri.domain.p12 import choose_par, open_p12
from plugins.einvoice_sri.domain.p12_errores import P12Error
from plugins.einvoice_sri.domain.p12_rc2 import rc2_block_decrypt, rc2_cbc_decrypt, rc2_schedule
from plugins.einvoice_sri.domain.xades import SigningKey
from tests.factories import certificates as made
from tests.factories.p12_shapes import rc2_encrypt, write_p12

NOW = made.NOW


def encryption_only(label: str = "encryption") -> made.Signer:
    return made.authority().issue(
        key=made.rsa_key(label), key_usage=made.usage("key_encipherment"), serial=77
    )


def of_years(label: str, begin: int, end: int, serial: int) -> made.Signer:
    return made.authority().issue(
        key=made.rsa_key(label),
        not_before=datetime(begin, 1, 1, tzinfo=UTC),
        not_after=datetime(end, 1, 1, tzinfo=UTC),
        serial=serial,
    )


@pytest.mark.parametrize("scheme", ["3des", "rc2-40", "rc2-128", "aes256"])
def test_every_protection_opens(scheme):
    contenido = open_p12(write_p12([made.signer()], scheme=scheme), "clave")
    assert [par.certificado.der for par in contenido.pares] == [made.signer().der]
    assert contenido.pares[0].key_der == made.signer().key_der
    assert contenido.lonely_keys == 0


def test_legacy_mix_of_3des_key_and_rc2_40_certificate():
    data = write_p12([made.signer()], scheme="3des", certificate_scheme="rc2-40")
    assert len(open_p12(data, "clave").pares) == 1


@pytest.mark.parametrize(
    "password", ["clave", "", "contraseña €uro", "ñ", "á" * 60, "日本", "x" * 200]
)
def test_files_of_the_library_open_with_any_password(password):
    one = made.signer()
    encryption = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2000)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .build(password.encode())
        if password
        else None
    )
    if encryption is None:
        data = write_p12([one], password="")
    else:
        data = pkcs12.serialize_key_and_certificates(
            b"x", one.key, one.certificate, None, encryption
        )
    assert len(open_p12(data, password).pares) == 1


@pytest.mark.parametrize("password", [b"", b"\0\0"])
def test_an_empty_password_is_written_in_two_ways(password):
    assert len(open_p12(write_p12([made.signer()], password), "").pares) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_old_openssl_widened_the_bytes_of_the_password(encoding):
    wide = b"".join(bytes((0, byte)) for byte in "clave ñ".encode(encoding)) + b"\0\0"
    assert len(open_p12(write_p12([made.signer()], wide), "clave ñ").pares) == 1


def test_a_file_without_mac_opens():
    assert len(open_p12(write_p12([made.signer()], mac=False), "clave").pares) == 1


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
@pytest.mark.parametrize(
    "extra", [[], ["-legacy"], ["-nomac"], ["-macalg", "sha256"], ["-keypbe", "NONE"]]
)
def test_files_of_openssl_open(tmp_path, extra):
    one = made.signer()
    pem = one.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "all.pem").write_bytes(pem + one.pem + made.authority().pem)
    done = subprocess.run(
        ["openssl", "pkcs12", "-export", "-in", "all.pem", "-out", "f.p12", "-passout", "pass:cl",
         "-name", "Mi firma", *extra],
        cwd=tmp_path, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("this openssl cannot write the shape")
    contenido = open_p12((tmp_path / "f.p12").read_bytes(), "cl")
    assert contenido.pares[0].friendly_name == "Mi firma"
    assert [one.is_ca for one in contenido.others] == [True]


def test_two_keys_with_the_encryption_key_first():
    files = write_p12([encryption_only(), made.signer()], labels=["Decryption Key", "Signing Key"])
    contenido = open_p12(files, "clave")
    assert len(contenido.pares) == 2
    chosen = choose_par(contenido, NOW)
    assert chosen.par.friendly_name == "Signing Key"
    assert (chosen.reason, chosen.avisos) == ("signature", ())
    SigningKey.load(chosen.par.key_der, chosen.par.certificado.der, validate=True)


def test_the_authority_first_is_not_taken_for_the_signer():
    contenido = open_p12(write_p12([made.signer()], before=[made.authority().der]), "clave")
    assert choose_par(contenido, NOW).par.certificado.der == made.signer().der
    assert choose_par(contenido, NOW).reason == "only"
    assert [one.der for one in contenido.others] == [made.authority().der]


@pytest.mark.parametrize(
    ("signers", "chosen", "reason"),
    [
        ([("a", 2020, 2022), ("b", 2025, 2027), ("c", 2022, 2025)], "b", "valid"),
        ([("a", 2024, 2027), ("b", 2025, 2029)], "b", "latest"),
        ([("a", 2018, 2019), ("b", 2020, 2021)], "b", "latest"),
        ([("a", 2027, 2029), ("b", 2025, 2027)], "b", "valid"),
    ],
)
def test_of_several_years_the_valid_one_that_ends_last(signers, chosen, reason):
    every = [of_years(*one, serial=at + 10) for at, one in enumerate(signers)]
    found = choose_par(open_p12(write_p12(every), "clave"), NOW)
    wanted = next(one for one, (label, *_) in zip(every, signers, strict=True) if label == chosen)
    assert (found.par.certificado.der, found.reason) == (wanted.der, reason)


@pytest.mark.parametrize(
    ("signer", "code", "day"),
    [  # midnight in UTC is seven in the evening of the day before in Guayaquil
        (lambda: of_years("a", 2020, 2022, 5), "expired", "31/12/2021"),
        (lambda: of_years("a", 2027, 2029, 5), "not_yet_valid", "31/12/2026"),
        (encryption_only, "encryption_only", ""),
    ],
)
def test_the_only_key_is_taken_with_its_warning(signer, code, day):
    found = choose_par(open_p12(write_p12([signer()]), "clave"), NOW)
    assert [aviso.code for aviso in found.avisos] == [code]
    assert day in found.avisos[0].sentence
    assert found.sentence


@pytest.mark.parametrize(
    ("data", "password", "code"),
    [
        (lambda: write_p12([made.signer()]), "otra", "sri_p12_wrong_password"),
        (lambda: write_p12([made.signer()]), "", "sri_p12_wrong_password"),
        (lambda: write_p12([made.signer()]), "x" * 300, "sri_p12_wrong_password"),
        (lambda: write_p12([made.signer()], scheme="aes256", mac=False), "otra", "sri_p12_wrong_password"),
        (lambda: write_p12([made.signer()], scheme="rc2-40"), "ñandú", "sri_p12_wrong_password"),
        (lambda: write_p12([made.signer()], mac_iterations=2_000_000_000), "clave", "sri_p12_too_costly"),
        (lambda: write_p12([made.signer()], iterations=2_000_000_000), "clave", "sri_p12_too_costly"),
        (lambda: write_p12([made.signer()], scheme="aes256", iterations=2_500_000), "clave", "sri_p12_too_costly"),
        (lambda: b"", "clave", "sri_p12_damaged"),
        (lambda: b"\x30\x84\xff\xff\xff\xff", "clave", "sri_p12_damaged"),
        (lambda: b"\x30\x80" * 400_000, "clave", "sri_p12_damaged"),
        (lambda: b"\x30\x80" * 100, "clave", "sri_p12_damaged"),
        (lambda: b"x" * 600_000, "clave", "sri_p12_damaged"),
        (lambda: write_p12([made.signer()])[:-40], "clave", "sri_p12_damaged"),
        (lambda: b"-----BEGIN PRIVATE KEY-----", "clave", "sri_p12_pem"),
        (lambda: b"\xfe\xed\xfe\xed\0\0\0\2", "clave", "sri_p12_jks"),
        (lambda: b"pkcs11:token=epass2003", "clave", "sri_p12_token"),
        (lambda: b"\x7fELF....", "clave", "sri_p12_token"),
        (lambda: made.signer().der, "clave", "sri_p12_no_key"),
        (lambda: write_p12([], before=[made.signer().der]), "clave", "sri_p12_no_key"),
        (lambda: write_p12([], lonely_keys=[made.signer().key_der]), "clave", "sri_p12_no_key"),
    ],
)  # fmt: skip
def test_refusals_have_a_name(data, password, code):
    with pytest.raises(P12Error) as refused:
        open_p12(data(), password)
    assert refused.value.code == code
    assert refused.value.field in {"p12", "password"}


def test_costs_are_refused_before_they_are_spent():
    absurd = write_p12([made.signer()], mac_iterations=2_000_000_000)
    begun = time.process_time()
    with pytest.raises(P12Error):
        open_p12(absurd, "clave")
    assert time.process_time() - begun < 5  # two thousand million iterations take hours


def test_a_key_that_is_not_rsa_is_left_aside():
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    contenido = open_p12(write_p12([made.signer()], lonely_keys=[curve]), "clave")
    assert (len(contenido.pares), contenido.lonely_keys) == (1, 1)


def test_the_certificate_of_somebody_else_is_told_by_its_ruc():
    other = made.authority().issue(subject=made.subject_of("OTRA PERSONA", ruc="0992345678001"))
    titular = read_titular(open_p12(write_p12([other]), "clave").pares[0].certificado)
    assert not titular.matches(made.RUC)
    assert titular.matches("0992345678001")


# RFC 2268 section 5: key, effective bits, plaintext, ciphertext.
@pytest.mark.parametrize(
    ("key", "bits", "plain", "cipher"),
    [
        ("0000000000000000", 63, "0000000000000000", "ebb773f993278eff"),
        ("ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"),
        ("3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"),
        ("88", 64, "0000000000000000", "61a8a244adacccf0"),
        ("88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"),
        ("88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"),
        ("88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"),
        (
            "88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e",
            129,
            "0000000000000000",
            "5b78d3a43dfff1f1",
        ),
    ],
)
def test_rc2_is_that_of_the_rfc(key, bits, plain, cipher):
    schedule = rc2_schedule(bytes.fromhex(key), bits)
    assert rc2_block_decrypt(schedule, bytes.fromhex(cipher)).hex() == plain


def test_rc2_reads_what_the_factory_wrote():
    key, iv, text = b"12345", b"87654321", b"eight by" * 5
    assert rc2_cbc_decrypt(key, iv, rc2_encrypt(key, iv, text)) == text
