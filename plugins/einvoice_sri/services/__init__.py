"""Use cases of fiscal documents: request, sign, send, ask, mail, correct, annul."""
