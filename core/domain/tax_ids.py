"""Identification numbers of Ecuador: RUC, cédula, passport and the rest of SRI's table 6.

A wrong *structure* is an error. The old modulo-11 digit of companies is only a hint: SRI has handed
out RUCs that do not satisfy it (1793213150001, 0993370026001, …) and itself only warns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from core.i18n import lazy

RUC, CEDULA, PASSPORT, FINAL_CONSUMER, FOREIGN_ID = "04", "05", "06", "07", "08"
TYPES = (RUC, CEDULA, PASSPORT, FINAL_CONSUMER, FOREIGN_ID)
FINAL_CONSUMER_NUMBER = "9999999999999"

_PRIVATE_WEIGHTS = (4, 3, 2, 7, 6, 5, 4, 3, 2)
_PUBLIC_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)
_SENTENCES = {
    "type": lazy("Choose the kind of identification: RUC, cédula, passport or foreign id."),
    "ruc_length": lazy("A RUC has exactly 13 digits; check what you typed."),
    "cedula_length": lazy("A cédula has exactly 10 digits; check what you typed."),
    "province": lazy(
        "The first two digits are not a province (01 to 24, or 30); check the number."
    ),
    "third_digit": lazy("The third digit cannot be 7 or 8; check the number."),
    "check_digit": lazy(
        "The last digit of the cédula does not match the others; check the number."
    ),
    "ruc_cedula": lazy("The first ten digits are not a valid cédula; check the RUC."),
    "establishment": lazy("A RUC ends in the number of an establishment, usually 001."),
    "not_main": lazy(
        "The RUC of a company that issues ends in 001: SRI takes documents of no other. Check the number."
    ),
    "passport": lazy("A passport or foreign id has 3 to 20 letters or digits."),
    "final_consumer": lazy("The final consumer's number is always 9999999999999."),
    "modulo_11": lazy(
        "The RUC does not follow the old check digit; newer ones often do not. Make sure it is right."
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be said of a number. ``code`` is empty when there is nothing to say.

    ``is_valid`` with a ``code`` is a warning: show ``sentence``, accept the number.
    """

    type: str
    number: str  # normalised: upper case, without spaces, dots and hyphens
    is_valid: bool
    code: str = ""
    sentence: Any = ""

    @property
    def is_warning(self) -> bool:
        """Accepted, but a person should look twice."""
        return self.is_valid and bool(self.code)


def normalise(number: str) -> str:
    """Upper case without the spaces, dots and hyphens that people type."""
    return re.sub(r"[\s.\-]", "", number).upper()


def check(type: str, number: str) -> Finding:  # noqa: A002  (SRI's own word for it)
    """Check ``number`` against the rules of SRI's identification ``type``. Never raises.

    "04" RUC, "05" cédula, "06" passport, "07" final consumer, "08" foreign id.
    """
    plain = normalise(number)
    code = _problem(type, plain)
    if code:
        return Finding(type, plain, is_valid=False, code=code, sentence=_SENTENCES[code])
    if type == RUC and not follows_modulo_11(plain):
        return Finding(
            type, plain, is_valid=True, code="modulo_11", sentence=_SENTENCES["modulo_11"]
        )
    return Finding(type, plain, is_valid=True)


def check_issuer(number: str) -> Finding:
    """The RUC of a company that issues: SRI's schemas want ``[0-9]{10}001``. Never raises."""
    finding = check(RUC, number)
    if finding.is_valid and not finding.number.endswith("001"):
        sentence = _SENTENCES["not_main"]
        return Finding(RUC, finding.number, is_valid=False, code="not_main", sentence=sentence)
    return finding


def type_of(number: str) -> str | None:
    """The type that a typed number most likely is; None when it fits none."""
    plain = normalise(number)
    if plain == FINAL_CONSUMER_NUMBER:
        return FINAL_CONSUMER
    for kind in (RUC, CEDULA, PASSPORT):
        if check(kind, plain).is_valid and (kind != PASSPORT or not plain.isdigit()):
            return kind
    return None


def is_cedula(number: str) -> bool:
    """Ten digits with a valid province and check digit (modulo 10, weights 2, 1, 2, …)."""
    return _problem(CEDULA, number) == ""


def cedula_check_digit(nine: str) -> int:
    """The tenth digit for the first nine: doubles at odd places, less 9 above 9; ``171003406 -> 5``."""
    places = (int(digit) * (2 - place % 2) for place, digit in enumerate(nine))
    return -sum(value - 9 if value > 9 else value for value in places) % 10


def company_check_digit(nine: str) -> int:
    """The tenth digit of a private company's RUC (modulo 11): ``179220585 -> 9``. 10 fits no digit."""
    return _modulo_11(nine, _PRIVATE_WEIGHTS)


def follows_modulo_11(ruc: str) -> bool:
    """Whether a company's RUC satisfies the old check digit (a person's always counts as yes)."""
    if ruc[2] == "9":
        return int(ruc[9]) == company_check_digit(ruc[:9])
    if ruc[2] == "6" and not is_cedula(ruc[:10]):
        return int(ruc[8]) == _modulo_11(ruc[:8], _PUBLIC_WEIGHTS)
    return True


def _problem(kind: str, number: str) -> str:
    if kind == RUC:
        return _ruc_problem(number)
    if kind == CEDULA:
        return _cedula_problem(number)
    if kind in (PASSPORT, FOREIGN_ID):
        return "" if re.fullmatch(r"[A-Z0-9]{3,20}", number) else "passport"
    if kind == FINAL_CONSUMER:
        return "" if number == FINAL_CONSUMER_NUMBER else "final_consumer"
    return "type"


def _ruc_problem(number: str) -> str:
    if not re.fullmatch(r"[0-9]{13}", number):
        return "ruc_length"
    if not _is_province(number[:2]):
        return "province"
    if number[2] in "78":
        return "third_digit"
    if number[2] < "6" and _cedula_problem(number[:10]):
        return "ruc_cedula"
    return "" if number[10:] != "000" else "establishment"


def _cedula_problem(number: str) -> str:
    if not re.fullmatch(r"[0-9]{10}", number):
        return "cedula_length"
    if not _is_province(number[:2]):
        return "province"
    if number[2] > "6":
        return "third_digit"
    return "" if int(number[9]) == cedula_check_digit(number[:9]) else "check_digit"


def _is_province(two: str) -> bool:
    return 1 <= int(two) <= 24 or two == "30"


def _modulo_11(digits: str, weights: tuple[int, ...]) -> int:
    rest = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return 0 if rest == 0 else 11 - rest
