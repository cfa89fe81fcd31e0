"""The copy that a company takes with it: all of its own data, nothing of anybody else's."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from sqlalchemy import insert

from core import plugins
from core.contracts.fiscal import DocumentFiles
from core.db.base import Base
from core.db.session import unit_of_work
from core.ids import new_id
from core.models import Blob, Setting
from core.services import company_copy
from plugins.sales.models import Customer

# what no copy holds, and why
LEFT_OUT = {
    "core_secret": "sealed: keys and passwords leave with nobody",
    "core_blob": "goes as files",
    "core_event": "how parts of the product tell each other; kept 90 days",
    "core_event_done": "as core_event",
    "core_api_request": "keys against sending twice; kept 90 days",
    "core_api_key": "hashes of keys",
    "sri_document_blob": "goes as XML files",
    "sri_blob_dictionary": "how the XML files are stored",
    "sri_upload_link": "one-time links",
    "sri_pause": "a switch of the emission",
    "sri_call_window": "a counter of calls in the present minute",
    "lic_signals": "computed from the rest",
    "lic_offer": "the vendor's plans on offer",
    "lic_installed_licence": "the file that the vendor signed; its owner has it and installs it again",
    "lic_training": "the vendor's calendar",
    **dict.fromkeys(
        (
            *("lic_portfolio", "lic_adviser", "lic_credit_limit", "lic_queued_report"),
            *(
                "lic_contract",
                "lic_distributor",
                "lic_plan_terms",
                "lic_wallet",
                "lic_credit_draft",
            ),
        ),
        "a distributor's or the vendor's own, not a client's",
    ),
}
# columns of the machine: hashes, caches, ids of others, what must not be sent twice
MACHINE = {
    "billing_run": "seen",
    "lic_client_invoice": "client_tenant_id contract_id expected_withheld invoice_id published_at"
    " withholding_until",
    "lic_licence": "accounts adviser_told_at contact contract_revision distributor_id ending_told_on"
    " first_total is_withdrawn next_check_on operator_id plan_id policy standing_revision"
    " upcoming upcoming_at wallet_revision",
    "lic_payment_report": "contract_id form_key group_id is_duplicate is_late reported_by",
    "lic_ticket": "client_name client_tenant_id distributor_id heard invoice_id quoted_at"
    " running_since ticket_id",
    "lic_training_seat": "client_name client_tenant_id",
    "sales_credit_note": "source_key",
    "sales_customer": "search_text",
    "sales_debit_note": "source_key",
    "sales_dispatch_guide": "source_key",
    "sales_invoice": "source_key",
    "sales_payment": "idempotency_key receipt_sent_at",
    "sales_payment_report": "decided_by is_twin report_key",
    "sales_product": "search_text",
    "sales_salesperson": "failures link_expires_at link_hash locked_until pin_hash pin_set_at",
    "sales_statement_row": "fingerprint suggested_customer_id suggested_report_id",
    "sri_attempt": "request_sha256",
    "sri_certificate": "certificate chosen_because key_usage keys_in_file uploaded_by warned_days",
    "sri_document": "claimed_until is_simulated next_at priority questions requested_at sends",
    "sri_fetched": "asked_at next_at tries",
    "sri_mail": "message_id tries",
}


def unpack(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as folder:
        assert folder.testzip() is None
        return {name: folder.read(name) for name in folder.namelist()}


def table(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode("utf-8-sig"))))


def test_every_table_and_column_of_a_company_is_in_it_or_left_out_for_a_reason(host):
    tables = company_copy.all_tables()
    assert len({one.name for one in tables}) == len(tables)
    taken: dict[str, set[str]] = {}
    for one in tables:
        columns = taken.setdefault(one.key.class_.__tablename__, set())
        columns |= {getattr(column, "key", "") or "" for column in one.columns.values()}
    prefixes = ("core_", *(plugin.info.table_prefix for plugin in host.plugins))
    for name, made in Base.metadata.tables.items():
        scope = made.info.get("scope", "tenant")
        if not name.startswith(prefixes) or scope not in ("tenant", "membership"):
            continue
        if "tenant_id" not in made.c or name.startswith("testplugin_"):
            continue
        assert (name in taken) != (name in LEFT_OUT), name
        if name in taken:
            missing = {column.name for column in made.c} - taken[name]
            assert missing - {"id", "tenant_id", "created_at"} == set(
                MACHINE.get(name, "").split()
            ), name


@pytest.mark.checklist("PW-17")
def test_all_pages_of_the_own_rows_and_not_a_word_of_another_company(
    database, tenant, other_tenant, now, monkeypatch
):
    for company, word, count in ((tenant, "Propio", 5), (other_tenant, "AJENO", 3)):
        with unit_of_work(company.scope) as session:
            for number in range(count):
                session.add(
                    Customer(tax_id_type="06", tax_id=f"{word}{number}", legal_name=f"{word} {number}",
                             note="=2+2" if number == 0 else "Ñandú, «coma»")
                )  # fmt: skip
            session.add(Setting(key="sales.test", value={"word": word}))
            content = f"contenido {word}".encode()
            session.execute(
                insert(Blob).values(id=new_id(), tenant_id=company.id, media_type="image/png",
                                    filename=f"../{word}.png", sha256="0" * 64, content=content,
                                    created_at=now)
            )  # fmt: skip
    real = plugins.host().call

    def call(hook, *, tenant=None, **given):  # the plugin of SRI has its own tests of these two
        if hook == "legal_documents":
            keys = [f"{number:049d}" for number in range(1, 6)]
            return [one for one in keys if one > given["after"]][: given["size"]]
        if hook == "document_files":
            key = given["access_key"]
            return DocumentFiles(key, f"<x>{key}</x>".encode(), b"%PDF-" + key.encode())
        return real(hook, tenant=tenant, **given)

    monkeypatch.setattr(plugins, "call", call)
    for name in ("PAGE", "FILES", "DOCUMENTS"):
        monkeypatch.setattr(company_copy, name, 2)
    pieces = list(company_copy.stream_copy(tenant.id, now=now))
    assert len(pieces) > 20  # nothing waits for the end
    files = unpack(b"".join(pieces))

    customers = sorted(table(files, "clientes"), key=lambda one: one["Identificación"])
    assert [one["Identificación"] for one in customers] == [f"Propio{n}" for n in range(5)]
    assert (customers[0]["Nota"], customers[1]["Nota"]) == ("'=2+2", "Ñandú, «coma»")
    assert '{"word": "Propio"}' in [one["Valor"] for one in table(files, "ajustes")]
    assert [one["Razón social"] for one in table(files, "empresa")] == [tenant.name]
    assert len([name for name in files if name.startswith("comprobantes/")]) == 10
    [logo] = [name for name in files if name.startswith("archivos/")]
    assert (logo[-14:], files[logo]) == ("-.._Propio.png", b"contenido Propio")
    for name, content in files.items():
        assert b"AJENO" not in content, name
        assert str(other_tenant.id).encode() not in content, name

    told = files["LEAME.txt"].decode("utf-8-sig")
    assert told.startswith(f"Todo lo que {tenant.name} tiene aquí\r\n")
    assert "clientes.csv — Sus clientes (5)" in told
    assert "Copia hecha el 25/04/2026 08:00" in told
    for name in files:
        assert name.partition("/")[0] in told or name == "LEAME.txt", name


def test_the_documents_alone_are_one_zip_that_can_go_on_where_it_broke(
    database, tenant, now, monkeypatch
):
    keys = [f"{number:049d}" for number in range(1, 46)]

    def call(hook, *, tenant=None, **given):
        if hook == "legal_documents":
            return [one for one in keys if one > given["after"]][: given["size"]]
        return DocumentFiles(given["access_key"], b"<x/>", b"%PDF")

    monkeypatch.setattr(plugins, "call", call)
    for after, expected in (("", keys), (keys[19], keys[20:])):
        content = b"".join(company_copy.stream_documents(tenant.id, after=after, now=now))
        names = sorted(unpack(content))
        assert names == sorted(f"{key}.{kind}" for key in expected for kind in ("xml", "pdf"))
