"""Errors arrive whole from a process beside."""

from __future__ import annotations

import pickle

import pytest

from core.errors import Conflict, DomainError, NotFound, ServiceMissing, TooMany, TryLater

ERRORS = (
    DomainError("El precio es negativo.", code="negative_price", field="price"),
    Conflict("Ya existe.", code="taken"),
    NotFound(),
    TooMany("Espere.", code="too_many", retry_after=30),
    TryLater("later", seconds=5),
    ServiceMissing("FiscalIssuing"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: type(one).__name__)
def test_an_error_survives_the_journey(error):
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)
