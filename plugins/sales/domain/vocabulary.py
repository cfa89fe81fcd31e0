"""The closed lists of sales, and limits set by law or by the documents' schema."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

TAX_ID_TYPES: Final = ("04", "05", "06", "07", "08")  # SRI table 6
FINAL_CONSUMER_TYPE: Final = "07"
FINAL_CONSUMER_ID: Final = "9999999999999"
FINAL_CONSUMER_NAME: Final = "CONSUMIDOR FINAL"
FINAL_CONSUMER_LIMIT: Final = Decimal("50.00")  # ficha técnica 9.10: at most US$ 50 per invoice

PRODUCT_KINDS: Final = ("good", "service")
METHODS: Final = ("deposit", "transfer", "cash", "card", "withholding", "credit")

PAYMENT_FORMS: Final = ("01", "15", "16", "17", "18", "19", "20", "21")  # SRI table 24
INVOICE_KIND: Final = "01"
CREDIT_NOTE_KIND: Final = "04"
DEBIT_NOTE_KIND: Final = "05"
DISPATCH_GUIDE_KIND: Final = "06"

COVER_TOLERANCE: Final = Decimal("0.50")  # money plus withholdings short by no more than this
MAX_DRAFTS: Final = 4000  # one transaction
REPLACES: Final = "Reemplaza a"  # additional field of an invoice issued in place of an annulled one
PRACTICE: Final = 3  # the environment in which a company practises; 1 pruebas, 2 producción
MAX_LINES: Final = 500


def practice_source(source: str) -> str:
    """The source of a practised sale: its keys are not those of real ones."""
    return f"{source[:11]}.practice"
