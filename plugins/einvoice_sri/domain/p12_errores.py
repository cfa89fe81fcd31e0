"""Why a P12 file cannot be used: one type per answer to "what should I do now?"."""

from __future__ import annotations

from typing import Self

from core.errors import DomainError
from core.i18n import _


class P12Error(DomainError):
    """Base of what can be wrong with a P12 file; ``field`` is ``p12`` or ``password``."""


class ClaveIncorrecta(P12Error):
    """The password does not open the file."""

    @classmethod
    def now(cls) -> Self:
        """With its sentence."""
        return cls(
            _(
                "The password of the P12 file is not correct. Check it with whoever gave you the"
                " signature; capital letters matter."
            ),
            code="sri_p12_wrong_password",
            field="password",
        )


class P12Danado(P12Error):
    """The file is not a P12, or it is damaged."""

    @classmethod
    def of(cls, detail: str) -> Self:
        """With its sentence; ``detail``, for support, is a note of the error and not shown."""
        error = cls(
            _(
                "The file is not a P12 (.p12 or .pfx) or it is damaged. Download it again from your"
                " certification authority."
            ),
            code="sri_p12_damaged",
            field="p12",
        )
        error.add_note(detail)
        return error


class P12Costoso(P12Error):
    """The file asks for more computation than any honest one."""


class P12NoSoportado(P12Error):
    """The file is protected with a method that we do not read."""


class P12SinClave(P12Error):
    """The file has no private key with its certificate: a token, or only the certificate."""
