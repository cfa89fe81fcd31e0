"""``yupana bench emission`` runs through and gives every figure; how fast is for people to read."""

from __future__ import annotations

import json

from click.testing import CliRunner

from plugins.einvoice_sri.cli.bench_emission import emission

KEYS = {
    "raw_rsa_per_s",
    "sign_own_per_s",
    "sign_any_per_s",
    "cold_key_ms",
    "pipeline_docs_per_cpu_s",
    "ride_cpu_ms",
    "ride_bytes",
}


def test_every_figure_is_there():
    result = CliRunner().invoke(emission, ["--rounds", "1", "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer.keys() >= KEYS
    assert all(answer[key] > 0 for key in KEYS)
    assert answer["ride_bytes"] <= 10_000
    assert 6_000 < answer["document_bytes"] < 15_000
