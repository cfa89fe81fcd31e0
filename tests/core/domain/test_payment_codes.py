from __future__ import annotations

from uuid import UUID

from core.domain.payment_codes import find_codes, payment_code

ONE = UUID("019dc17e-0000-7000-8000-0123456789ab")


def test_a_code_is_found_in_what_a_bank_writes():
    code = payment_code(ONE)
    plain = code.replace("-", "")
    for text in (code, plain.lower(), f"TRANSF {code} ABRIL", f"ref: {code[:3]}{code[3:]}."):
        assert list(find_codes(text)) == [code], text
    assert list(find_codes("TRANSFERENCIA INTERBANCARIA 0012345")) == []


def test_one_wrong_sign_is_never_a_code():
    code = payment_code(ONE)
    for place in range(3, len(code)):
        for sign in "23456789ABCDEFGHJKMNPQRSTVWXY":
            wrong = code[:place] + sign + code[place + 1 :]
            assert list(find_codes(wrong)) == ([code] if wrong == code else [])
