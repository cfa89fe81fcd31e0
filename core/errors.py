"""Errors that answer the caller's next question: whose fault, which field, try again or not."""

from __future__ import annotations

from typing import Any


class YupanaError(Exception):
    """Base of every error the product raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is, wherever a process beside sends it: ``Exception`` would call ``__init__`` with its text."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[YupanaError], args: tuple[Any, ...], facts: dict[str, Any]) -> YupanaError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class DomainError(YupanaError):
    """A rule of the business refuses what was asked; the sentence is for a person (translated).

    ``field`` names the form or JSON field, ``code`` is stable for machines and support.
    Pages show it (422), the API answers RFC 9457, commands print it and exit 2.
    """

    def __init__(self, sentence: str, *, code: str, field: str | None = None) -> None:
        super().__init__(str(sentence))
        self.sentence = str(sentence)
        self.code = code
        self.field = field


class NotFound(DomainError):
    """The thing does not exist for whoever asks (404)."""

    def __init__(self, sentence: str = "", *, code: str = "not_found") -> None:
        super().__init__(sentence, code=code)


class Conflict(DomainError):
    """The state of things does not allow the step (409)."""


class Overtaken(Conflict):
    """Somebody else did it first (409)."""


class Forbidden(DomainError):
    """The person may see but not do this now: role or suspended licence (403)."""


class Unauthorized(DomainError):
    """Software asked without a valid key or token (401)."""


class TooMany(DomainError):
    """Too many attempts (429); ``retry_after`` in seconds."""

    def __init__(
        self, sentence: str, *, code: str, retry_after: int, field: str | None = None
    ) -> None:
        super().__init__(sentence, code=code, field=field)
        self.retry_after = retry_after


class ServiceMissing(YupanaError):
    """No enabled plugin offers an internal service; ``service`` names it."""

    def __init__(self, service: str) -> None:
        super().__init__(f"No enabled plugin provides {service}.")
        self.service = service


class SetupError(YupanaError):
    """The installation cannot run as it is: one sentence with the remedy (commands exit 2)."""


class TryLater(YupanaError):
    """A job could not do its work now; the engine tries again after ``seconds``."""

    def __init__(self, message: str, *, seconds: int = 30) -> None:
        super().__init__(message)
        self.seconds = seconds
