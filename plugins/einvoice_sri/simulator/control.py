"""The page from which a person watches and steers the simulator."""

from __future__ import annotations

from datetime import datetime
from html import escape

from plugins.einvoice_sri.simulator.engine import Engine
from plugins.einvoice_sri.simulator.faults import KINDS, FaultPlan
from plugins.einvoice_sri.simulator.rules import GUAYAQUIL
from plugins.einvoice_sri.simulator.state import AUTHORIZED, PENDING, REFUSED, Entry

SHOWN = 100
STYLE = """
:root{color-scheme:light dark;--paper:#f7f6f3;--card:#fff;--ink:#1d2329;--line:#dedbd4;--accent:#0b5c6b}
@media(prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1c2126;--ink:#e8eaec;--line:#2f363d;--accent:#5cc3d4}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
.strip{background:#8a5a00;color:#fff;padding:8px 24px;font-weight:700;letter-spacing:.08em}
main{max-width:960px;margin:24px auto;padding:0 24px}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;background:var(--card)}
td,th{border-bottom:1px solid var(--line);padding:6px 8px;text-align:left;vertical-align:top}
code{font-size:.9em;overflow-wrap:anywhere}
.wide{overflow-x:auto}
.wide table{min-width:760px}
input{max-width:100%;box-sizing:border-box}
input,select,button{font:inherit;min-height:44px;padding:0 12px;border:1px solid var(--line);border-radius:6px}
button{background:var(--accent);color:var(--paper);border:0}
summary{min-height:24px;cursor:pointer}ol{margin:0;padding-left:20px}
form{display:flex;gap:8px;flex-wrap:wrap;align-items:center;margin:12px 0}
"""


def control_page(engine: Engine, plan: FaultPlan) -> str:
    """The whole page as HTML."""
    state = engine.state
    rows = "".join(
        f"<tr><td><code>{escape(clave)}</code></td><td>{escape(entries[-1].estado)}</td>"
        f"<td>{_history(entries)}</td><td>{_moment(entries[-1].received_at)}</td>"
        f"<td>{_messages(entries[-1])}</td></tr>"
        for clave, entries in reversed(list(state.entries.items())[-SHOWN:])
    )
    waiting = ", ".join(escape(str(one)) for one in plan.script) or "ninguna"
    outages = "; ".join(f"{_moment(start)} a {_moment(end)}" for start, end in list(plan.outages))
    choices = "".join(f"<option>{kind}</option>" for kind in KINDS)
    return f"""<!doctype html>
<html lang="es"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>SIMULACIÓN · Simulador del SRI</title><style>{STYLE}</style></head><body>
<div class="strip" role="note">SIMULACIÓN · Nada de lo que aquí se autoriza tiene validez tributaria</div>
<main><h1>Simulador del SRI</h1>
<p>{state.receptions} recepciones, {state.questions} consultas;
{state.count(AUTHORIZED)} autorizados, {state.count(REFUSED)} no autorizados,
{state.count(PENDING)} en proceso.</p>
<h2>Fallas</h2>
<p>En espera: {waiting}. Por semilla {plan.seed}: {plan.rate:.0%} de las llamadas.</p>
<form method="post" action="/control/faults"><label for="fault">Falla</label>
<input id="fault" name="fault" list="kinds" placeholder="return:45x1" required>
<datalist id="kinds">{choices}</datalist><button>Agregar falla</button></form>
<p>Cortes del servicio (HTTP 500): {outages or "ninguno"}.</p>
<form method="post" action="/control/outages"><label for="outage">Corte</label>
<input id="outage" name="outage" size="36" placeholder="2026-04-25T08:00/2026-04-25T12:00" required>
<button>Agregar corte</button></form>
<form method="post" action="/control/good"><button>Portarse bien</button></form>
<h2>Anular un comprobante</h2>
<form method="post" action="/control/annul"><label for="clave">Clave de acceso</label>
<input id="clave" name="clave" size="52" required><button>Anular</button></form>
<h2>Comprobantes</h2>
<div class="wide" tabindex="0" role="region" aria-label="Comprobantes"><table><thead><tr><th scope="col">Clave de acceso</th><th scope="col">Estado</th>
<th scope="col">Envíos</th><th scope="col">Recibido</th><th scope="col">Mensajes</th></tr></thead>
<tbody>{rows or '<tr><td colspan="5">Todavía no ha llegado ningún comprobante.</td></tr>'}</tbody></table></div>
</main></body></html>"""


def _history(entries: tuple[Entry, ...]) -> str:
    """How often a key was delivered and, opened, what became of each delivery, the oldest first."""
    items = "".join(
        f"<li>{_moment(one.received_at)} · {escape(one.estado)}"
        + (f" {_moment(one.decided_at)}" if one.decided_at else "")
        + (f" · {_messages(one)}" if one.messages else "")
        + "</li>"
        for one in entries
    )
    return f"<details><summary>{len(entries)}</summary><ol>{items}</ol></details>"


def _messages(entry: Entry) -> str:
    return escape("; ".join(f"{m.identificador} {m.mensaje}" for m in entry.messages))


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(GUAYAQUIL):%d/%m/%Y %H:%M:%S}"
