"""Who a customer is: identification, names and how they are searched."""

from __future__ import annotations

import re
import unicodedata

from core.contracts.sales import CustomerData
from core.errors import DomainError
from core.i18n import _
from plugins.sales.domain.vocabulary import (
    FINAL_CONSUMER_ID,
    FINAL_CONSUMER_NAME,
    FINAL_CONSUMER_TYPE,
    TAX_ID_TYPES,
)

_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")

FINAL_CONSUMER = CustomerData(
    tax_id_type=FINAL_CONSUMER_TYPE, tax_id=FINAL_CONSUMER_ID, legal_name=FINAL_CONSUMER_NAME
)


def search_key(*words: str) -> str:
    """Lower case without accents, single spaces: ``"  Ñandú Á "`` is ``"nandu a"``."""
    plain = unicodedata.normalize("NFKD", " ".join(words))
    kept = "".join(one for one in plain if not unicodedata.combining(one))
    return " ".join(kept.lower().split())


def guess_type(tax_id: str) -> str:
    """The identification type that a number looks like: more than 10 digits RUC, digits cédula, and
    with letters a passport. All digits are never taken for a passport: a typing error is likelier.
    """
    if tax_id == FINAL_CONSUMER_ID:
        return FINAL_CONSUMER_TYPE
    if tax_id.isdigit():
        return "04" if len(tax_id) > 10 else "05"
    return "06"


def clean(customer: CustomerData) -> CustomerData:
    """The same customer with tidy spaces; raises ``DomainError`` for what no document can carry.

    Whether a RUC or cédula is well formed is asked of :mod:`core.domain.tax_ids` by the service.
    """
    if customer.tax_id_type == FINAL_CONSUMER_TYPE:
        return FINAL_CONSUMER
    tidy = CustomerData(
        tax_id_type=customer.tax_id_type,
        tax_id="".join(customer.tax_id.split()).upper(),
        legal_name=" ".join(customer.legal_name.split()),
        email=customer.email.strip(),
        address=" ".join(customer.address.split()),
        phone=" ".join(customer.phone.split()),
    )
    if tidy.tax_id_type not in TAX_ID_TYPES:
        raise DomainError(
            _("The type of identification is not one of the list. Choose RUC, cédula or passport."),
            code="bad_tax_id_type",
            field="tax_id_type",
        )
    if not tidy.tax_id or len(tidy.tax_id) > 20:
        raise DomainError(
            _(
                "The identification is missing or longer than 20 characters. Write it as on the card."
            ),
            code="bad_tax_id",
            field="tax_id",
        )
    if not tidy.legal_name or len(tidy.legal_name) > 300:
        raise DomainError(
            _("The name is missing or longer than 300 characters. Write it as in the RUC."),
            code="bad_name",
            field="legal_name",
        )
    if tidy.email and (len(tidy.email) > 200 or not _EMAIL.fullmatch(tidy.email)):
        raise DomainError(
            _("The e-mail address does not look right. It needs the form name@domain.com."),
            code="bad_email",
            field="email",
        )
    if len(tidy.address) > 300 or len(tidy.phone) > 40:
        raise DomainError(
            _("The address takes 300 characters and the phone 40. Shorten them."),
            code="bad_address",
            field="address",
        )
    return tidy
