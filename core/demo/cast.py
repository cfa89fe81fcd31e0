"""Who plays in the demo. Every number is made up and passes the checks; nobody real is meant."""

from __future__ import annotations

from dataclasses import dataclass

from core.contracts.sales import CustomerData

PASSWORD = "Yupana-2026!"  # noqa: S105  (the demo says that everybody has it)
PIN = "01"


@dataclass(frozen=True, slots=True)
class Company:
    """A company of the demo, as it is going to be created."""

    key: str
    kind: str
    tax_id: str
    name: str
    trade_name: str
    address: str
    email: str
    phone: str = "02 255 0100"


@dataclass(frozen=True, slots=True)
class Player:
    """A person of the demo and what he or she is where: (company key, role)."""

    identification: str
    first_name: str
    last_name: str
    roles: tuple[tuple[str, str], ...]

    @property
    def email(self) -> str:
        """Where mail for the person ends up: the mailbox."""
        return f"{self.first_name}.{self.last_name}@demo.example".lower()


OPERATOR = Company(
    "operator",
    "operator",
    "1793100015001",
    "Yupana Operaciones S.A.",
    "Yupana",
    "Av. Amazonas N34-120 y Atahualpa, Quito",
    "facturas@yupana.example",
)
DISTRIBUTORS = (
    Company(
        "sierra",
        "distributor",
        "1793200028001",
        "Distribuidora Sierra Digital S.A.",
        "Sierra Digital",
        "Av. 10 de Agosto N21-55, Quito",
        "ventas@sierra.example",
    ),
    Company(
        "costa",
        "distributor",
        "0993300039001",
        "Costa Sistemas S.A.",
        "Costa Sistemas",
        "Av. 9 de Octubre 1205, Guayaquil",
        "ventas@costa.example",
    ),
)
TENANTS = (
    Company(
        "gym",
        "company",
        "1793400043001",
        "Gimnasio Cumbres S.A.",
        "Cumbres Fitness",
        "Calle Ulloa N31-40, Quito",
        "caja@cumbres.example",
    ),
    Company(
        "school",
        "company",
        "1793500056001",
        "Unidad Educativa Los Arrayanes S.A.",
        "Los Arrayanes",
        "Av. Simón Bolívar km 4, Quito",
        "pensiones@arrayanes.example",
    ),
    Company(
        "shop",
        "company",
        "0193600069001",
        "Ferretería El Tornillo S.A.",
        "El Tornillo",
        "Gran Colombia 8-14, Cuenca",
        "ventas@tornillo.example",
    ),
)
COMPANIES = (OPERATOR, *DISTRIBUTORS, *TENANTS)

PEOPLE = (
    Player("1710000017", "Olga", "Paredes", (("operator", "operator"),)),
    Player("1710000025", "Diego", "Luna", (("sierra", "distributor"),)),
    Player("0910000017", "Celia", "Mora", (("costa", "distributor"),)),
    Player("1710000033", "Adela", "Viteri", (("sierra", "adviser"),)),
    Player("1710000041", "Gabriel", "Cueva", (("gym", "owner"), ("school", "accountant"))),
    Player("1710000058", "Sonia", "Paz", (("gym", "salesperson"),)),
    Player("1710000066", "Raquel", "Ortiz", (("gym", "accountant"), ("shop", "accountant"))),
    Player("1710000074", "Ivan", "Torres", (("gym", "integrator"),)),
    Player("1710000082", "Elena", "Rivas", (("school", "owner"),)),
    Player("0101000016", "Tomas", "Vega", (("shop", "owner"),)),
)

# Customers of the companies; they find their documents in the portal.
RECEIVERS = (
    CustomerData(
        "05",
        "0910000025",
        "María Fernanda Salazar",
        "maria.salazar@demo.example",
        "Quito",
        "0991000001",
    ),
    CustomerData(
        "05", "0910000033", "Luis Andrade", "luis.andrade@demo.example", "Quito", "0991000002"
    ),
    CustomerData(
        "04",
        "1793111114001",
        "Clínica Santa Lucía S.A.",
        "compras@santalucia.example",
        "Av. Mariana de Jesús Oe7, Quito",
        "02 600 0300",
    ),
    CustomerData(
        "05", "1710000090", "Rosa Guamán", "rosa.guaman@demo.example", "Cuenca", "0991000004"
    ),
)
