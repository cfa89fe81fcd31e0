// Small conveniences; every page works without them.
"use strict";
(() => {
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      document.querySelectorAll("details[open]").forEach((one) => { one.open = false; });
      return;
    }
    const named = event.key.length > 1 && document.querySelector(`[data-key="${event.key}"]`);
    if (named) {
      event.preventDefault();
      named.matches("input, select, textarea") ? named.focus() : named.click();
      return;
    }
    if (typing(event.target)) return;
    if (event.key === "?") open("keys");
    const wanted = event.key.length === 1 && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (wanted) {
      event.preventDefault();
      wanted.matches("input, select, textarea") ? wanted.focus() : wanted.click();
    }
  });

  const open = (id) => {
    const dialog = document.getElementById(id);
    if (dialog && dialog.showModal && !dialog.open) dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) open(opener.dataset.open);
    document.querySelectorAll("details.person[open], .bar details[open]").forEach((one) => {
      if (!one.contains(event.target)) one.open = false;
    });
  });

  // a button that is working cannot be pressed twice; destructive ones ask first
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) { event.preventDefault(); return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") {
      form.dataset.sent = "1";
      const button = event.submitter || form.querySelector("button");
      if (button) setTimeout(() => button.setAttribute("aria-busy", "true"), 0);
      if ("download" in form.dataset) setTimeout(() => rested(form), 3000); // the page stays
    }
  });
  const rested = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((one) => one.removeAttribute("aria-busy"));
  };
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach(rested);
  });

  // the field that was refused has the focus
  const refused = document.querySelector("[aria-invalid='true']") || document.querySelector(".callout-bad[role=alert][tabindex]");
  if (refused) refused.focus();

  // show what is typed in a password field
  const words = { show: document.body.dataset.show, hide: document.body.dataset.hide };
  document.querySelectorAll("input[data-reveal]").forEach((input) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet reveal";
    button.textContent = words.show;
    button.addEventListener("click", () => {
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      button.textContent = hidden ? words.hide : words.show;
    });
    input.after(button);
  });

  // select all rows: <input type="checkbox" data-all="ids">
  document.querySelectorAll("[data-all]").forEach((all) => {
    all.addEventListener("change", () => {
      document.querySelectorAll(`input[name="${all.dataset.all}"]`).forEach((one) => { one.checked = all.checked; });
    });
  });

  // a page that waits for something: <main data-refresh="3"> reloads until the attribute is gone
  const waiting = document.querySelector("[data-refresh]");
  if (waiting) setTimeout(() => { if (!document.hidden) window.location.reload(); }, 1000 * Number(waiting.dataset.refresh));
})();
