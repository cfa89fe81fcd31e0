// The sale screen without page loads: the same form, posted in the background. Works without it.
"use strict";
(() => {
  const place = () => document.getElementById("till");
  const money = new Intl.NumberFormat("es-EC", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const amount = (text) => Number(text.includes(",") ? text.replaceAll(".", "").replace(",", ".") : text);

  const hideNoscript = () => document.querySelectorAll("[data-noscript]").forEach((one) => { one.hidden = true; });

  const showPaying = () => {
    const form = document.getElementById("sale");
    if (!form) return;
    const chosen = form.payment.value;
    form.querySelectorAll("[data-pay]").forEach((one) => {
      one.hidden = !one.dataset.pay.split(" ").includes(chosen);
    });
    const change = form.querySelector(".change");
    const given = amount(form.received.value.trim());
    const left = given - Number(document.getElementById("total").dataset.total);
    change.hidden = chosen !== "01" || !form.received.value.trim() || !(left >= 0);
    document.getElementById("change").textContent = "$ " + money.format(left || 0);
  };

  const dress = () => {
    document.querySelectorAll(".pad").forEach((one) => { one.hidden = false; });
    hideNoscript();
    const focus = document.querySelector("#till [aria-invalid='true'], #till [autofocus]");
    if (focus) { focus.focus(); if (focus.select) focus.select(); }
    showPaying();
  };

  let busy = false;
  const send = async (form, action) => {
    if (busy) return;
    busy = true;
    const data = new FormData(form);
    data.set("do", action);
    const kept = document.activeElement && document.activeElement.id;
    try {
      const answer = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin" });
      if (answer.redirected) { window.location.assign(answer.url); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("till");
      if (!fresh) { window.location.reload(); return; }
      place().replaceWith(document.adoptNode(fresh));
      const notices = document.querySelector("main > .callout-bad");
      if (notices) notices.remove();
      const refused = page.querySelector("main > .callout-bad");
      if (refused) document.querySelector("main .notices").after(document.adoptNode(refused));
      dress();
      if (action === "update" && kept && document.getElementById(kept)) document.getElementById(kept).focus();
    } catch (error) {
      window.location.reload();
    } finally {
      busy = false;
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "sale") return;
    const action = (event.submitter && event.submitter.value) || "enter";
    const waits = form.product_q.value.trim() || form.customer_q.value.trim() || (form.new_tax_id && form.new_tax_id.value.trim());
    if (action === "charge" || (action === "enter" && form.pin.value && !waits)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    send(form, action);
  }, true);

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-update]")) send(event.target.form, "update");
    if (event.target.matches("[name=payment]")) showPaying();
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "received") showPaying();
  });
  document.addEventListener("click", (event) => {
    if (event.detail && event.target.matches("[name=salesperson_id]")) document.getElementById("pin").focus();
    const key = event.target.closest("[data-digit]");
    if (!key) return;
    const pin = document.getElementById("pin");
    const digit = key.dataset.digit;
    pin.value = digit === "clear" ? "" : digit === "back" ? pin.value.slice(0, -1) : (pin.value + digit).slice(0, 8);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const list = event.target.closest(".lookup, .card");
    const found = list ? [...list.querySelectorAll(".found button")] : [];
    if (!found.length || event.target.matches("select")) return;
    event.preventDefault();
    const at = found.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    (found[at] || list.querySelector("input:not([type=hidden])")).focus();
  });

  const state = document.getElementById("state");
  const ask = async () => {
    if (state.querySelector("[data-final='1']")) return;
    try {
      const answer = await fetch(state.dataset.url, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) { state.innerHTML = await answer.text(); hideNoscript(); }
    } catch (error) { /* the next try may do better */ }
    setTimeout(ask, 1200);
  };
  if (state) { hideNoscript(); setTimeout(ask, 800); const next = document.getElementById("new-sale"); if (next) next.focus(); }
  if (place()) dress();
})();
