"""What the law says, as dated data: IVA, withholdings, holidays of Ecuador.

Sources: SRI's ficha técnica of electronic documents 2.34 (tables 17, 18 and 20); the tariffs of the
ATS catalogue of 6 August 2026; Código del Trabajo, article 65, with its rules for moved holidays, and
the calendars that the government published for 2024 to 2026. A day decreed later is added by the
operator.
"""

from __future__ import annotations

from datetime import date

ALWAYS = date(2000, 1, 1)

# (tax, code, label, percent, from, to)
TAX_RATES: tuple[tuple[str, str, str, str, date, date | None], ...] = (
    ("2", "0", "IVA 0 %", "0", ALWAYS, None),
    ("2", "2", "IVA 12 %", "12", ALWAYS, date(2016, 5, 31)),
    ("2", "3", "IVA 14 %", "14", date(2016, 6, 1), date(2017, 5, 31)),
    ("2", "2", "IVA 12 %", "12", date(2017, 6, 1), date(2024, 3, 31)),
    ("2", "4", "IVA 15 %", "15", date(2024, 4, 1), None),
    ("2", "5", "IVA 5 % (materiales de construcción)", "5", date(2024, 4, 1), None),
    ("2", "6", "No objeto de IVA", "0", ALWAYS, None),
    ("2", "7", "Exento de IVA", "0", ALWAYS, None),
    ("2", "8", "IVA 8 % (turismo en feriados decretados)", "8", date(2022, 1, 1), None),
    ("5", "5001", "IRBPNR, por botella (USD)", "0.02", date(2012, 1, 1), None),
    ("ret2", "9", "Retención de IVA 10 %", "10", ALWAYS, None),
    ("ret2", "10", "Retención de IVA 20 %", "20", ALWAYS, None),
    ("ret2", "1", "Retención de IVA 30 %", "30", ALWAYS, None),
    ("ret2", "11", "Retención de IVA 50 %", "50", ALWAYS, None),
    ("ret2", "2", "Retención de IVA 70 %", "70", ALWAYS, None),
    ("ret2", "3", "Retención de IVA 100 %", "100", ALWAYS, None),
    ("ret2", "7", "Retención de IVA en cero", "0", ALWAYS, None),
    ("ret2", "8", "No procede retención de IVA", "0", ALWAYS, None),
    ("ret1", "303", "Honorarios profesionales", "10", date(2026, 8, 6), None),
    ("ret1", "303A", "Servicios profesionales de sociedades", "5", date(2026, 8, 6), None),
    ("ret1", "304", "Servicios donde predomina el intelecto", "10", date(2026, 8, 6), None),
    ("ret1", "307", "Servicios donde predomina la mano de obra", "3", date(2026, 8, 6), None),
    ("ret1", "309", "Medios de comunicación y publicidad", "3", date(2026, 8, 6), None),
    ("ret1", "312", "Transferencia de bienes muebles", "2", date(2026, 8, 6), None),
    ("ret1", "320", "Arrendamiento de bienes inmuebles", "10", date(2026, 8, 6), None),
    ("ret1", "322", "Seguros y reaseguros", "2", date(2026, 8, 6), None),
    ("ret1", "332", "Pagos no sujetos a retención", "0", date(2026, 8, 6), None),
    ("ret1", "343", "Compras a RIMPE emprendedor", "1", date(2026, 8, 6), None),
    ("ret1", "3440", "Otras retenciones del 3 %", "3", date(2026, 8, 6), None),
    ("ret1", "3482", "Otras retenciones del 5 %", "5", date(2026, 8, 6), None),
)

NEW_YEAR, CARNIVAL, GOOD_FRIDAY = "Año Nuevo", "Carnaval", "Viernes Santo"
LABOUR, PICHINCHA, CRY = "Día del Trabajo", "Batalla de Pichincha", "Primer Grito de Independencia"
GUAYAQUIL, DEAD, CUENCA = (
    "Independencia de Guayaquil",
    "Día de los Difuntos",
    "Independencia de Cuenca",
)
CHRISTMAS = "Navidad"

# The days on which nobody works: moved ones on the day they were moved to.
HOLIDAYS: tuple[tuple[str, str], ...] = (
    ("2024-01-01", NEW_YEAR),
    ("2024-02-12", CARNIVAL),
    ("2024-02-13", CARNIVAL),
    ("2024-03-29", GOOD_FRIDAY),
    ("2024-05-03", LABOUR),
    ("2024-05-24", PICHINCHA),
    ("2024-08-09", CRY),
    ("2024-10-11", GUAYAQUIL),
    ("2024-11-01", DEAD),
    ("2024-11-04", CUENCA),
    ("2024-12-25", CHRISTMAS),
    ("2025-01-01", NEW_YEAR),
    ("2025-03-03", CARNIVAL),
    ("2025-03-04", CARNIVAL),
    ("2025-04-18", GOOD_FRIDAY),
    ("2025-05-02", LABOUR),
    ("2025-05-23", PICHINCHA),
    ("2025-08-11", CRY),
    ("2025-10-10", GUAYAQUIL),
    ("2025-11-03", DEAD),
    ("2025-11-04", CUENCA),
    ("2025-12-25", CHRISTMAS),
    ("2026-01-01", NEW_YEAR),
    ("2026-02-16", CARNIVAL),
    ("2026-02-17", CARNIVAL),
    ("2026-04-03", GOOD_FRIDAY),
    ("2026-05-01", LABOUR),
    ("2026-05-25", PICHINCHA),
    ("2026-08-10", CRY),
    ("2026-10-09", GUAYAQUIL),
    ("2026-11-02", DEAD),
    ("2026-11-03", CUENCA),
    ("2026-12-25", CHRISTMAS),
    ("2027-01-01", NEW_YEAR),
    ("2027-02-08", CARNIVAL),
    ("2027-02-09", CARNIVAL),
    ("2027-03-26", GOOD_FRIDAY),
    ("2027-04-30", LABOUR),
    ("2027-05-24", PICHINCHA),
    ("2027-08-09", CRY),
    ("2027-10-08", GUAYAQUIL),
    ("2027-11-01", DEAD),
    ("2027-11-02", CUENCA),
    ("2027-12-25", CHRISTMAS),
    ("2028-01-01", NEW_YEAR),
    ("2028-02-28", CARNIVAL),
    ("2028-02-29", CARNIVAL),
    ("2028-04-14", GOOD_FRIDAY),
    ("2028-05-01", LABOUR),
    ("2028-05-26", PICHINCHA),
    ("2028-08-11", CRY),
    ("2028-10-09", GUAYAQUIL),
    ("2028-11-02", DEAD),
    ("2028-11-03", CUENCA),
    ("2028-12-25", CHRISTMAS),
)
