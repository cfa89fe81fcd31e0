"""The issuer as documents print it, on a given day and for a given establishment."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.models import Branch, Tenant
from core.services import blobs, companies
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.emisor import Emisor
from plugins.einvoice_sri.domain.tipos import Ambiente, Regimen

REGIMES = {
    "general": Regimen.GENERAL,
    "rimpe_emprendedor": Regimen.RIMPE_EMPRENDEDOR,
    "rimpe_popular": Regimen.RIMPE_NEGOCIO_POPULAR,
}


def is_regime_unconfirmed(session: Session, today: date) -> bool:
    """Whether the owner has still to say that the regime of an earlier year is right for this one."""
    row = companies.regime(session, today)
    if row.id is None or row.valid_from.year >= today.year:
        return False
    return row.confirmed_on is None or row.confirmed_on.year < today.year


class IssuerReader:
    """Reads the issuer once per day and establishment; for one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[str, date, int, bool], Emisor] = {}

    def emisor(self, *, branch_code: str, on: date, environment: int, logo: bool = False) -> Emisor:
        """The issuer of a document of that establishment and day."""
        key = branch_code, on, environment, logo
        if key not in self._known:
            self._known[key] = self._read(branch_code, on, environment, logo)
        return self._known[key]

    def _read(self, branch_code: str, on: date, environment: int, logo: bool) -> Emisor:
        session = self._session
        tenant = session.get_one(Tenant, scope_of(session).tenant_id)
        profile = companies.profile(session)
        regime = companies.regime(session, on)
        address = session.scalar(select(Branch.address).where(Branch.code == branch_code))
        picture = None
        if logo and profile.logo_blob_id is not None:
            picture = blobs.read(session, profile.logo_blob_id).content
        return Emisor(
            ruc=tenant.tax_id,
            razon_social=profile.legal_name,
            nombre_comercial=profile.trade_name,
            dir_matriz=profile.head_office_address,
            dir_establecimiento=address or profile.head_office_address,
            ambiente=Ambiente.PRUEBAS
            if environment == settings.PRACTICE
            else Ambiente(str(environment)),
            obligado_contabilidad=regime.keeps_accounts,
            regimen=REGIMES[regime.regime],
            agente_retencion=regime.withholding_agent_resolution,
            contribuyente_especial=regime.special_taxpayer_resolution,
            gran_contribuyente=regime.large_taxpayer_resolution,
            ruc_proveedor=self._provider(),
            logo=picture,
        )

    def _provider(self) -> str:
        """The software provider's RUC (annex 26): the operator's, unless the company runs it itself."""
        if tenant_settings.read(self._session, settings.IN_HOUSE):
            return ""
        operator = select(Tenant.tax_id).where(Tenant.kind == "operator")
        return self._session.scalar(operator) or ""
