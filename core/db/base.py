"""The declarative base of every table, on the metadata of Flask-AppBuilder.

The naming convention is set here, before FAB's own models are imported, so that each constraint has
a name that a migration can use.
"""

from __future__ import annotations

from flask_appbuilder import Model
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Model.metadata.naming_convention = NAMING


class Base(DeclarativeBase):
    """Base of all mapped classes; shares FAB's metadata, so foreign keys to ``ab_user`` work."""

    metadata = Model.metadata
