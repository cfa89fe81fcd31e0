// Totals while people type: the same form, posted in the background. Works without it.
"use strict";
(() => {
  const sheet = () => document.getElementById("sheet");
  let busy = false;
  let again = false;
  const send = async (action) => {
    if (busy) { again = true; return; }
    busy = true;
    const data = new FormData(sheet());
    data.set("do", action);
    try {
      const answer = await fetch(window.location.href, { method: "POST", body: data, credentials: "same-origin" });
      if (answer.redirected) { window.location.assign(answer.url); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("sheet");
      if (!fresh) { window.location.reload(); return; }
      const kept = document.activeElement && document.activeElement.id;
      if (!again) {
        sheet().replaceWith(document.adoptNode(fresh));
        const field = kept && document.getElementById(kept);
        const wanted = action === "update" ? field : document.querySelector("#sheet [aria-invalid='true']") || field;
        if (wanted) { wanted.focus(); if (wanted.select && action === "update") wanted.select(); }
      }
    } catch (error) {
      window.location.reload();
    } finally {
      busy = false;
      if (again) { again = false; send("update"); }
    }
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("#sheet [data-update]")) send("update");
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "sheet") return;
    const action = (event.submitter && event.submitter.value) || "update";
    if (action === "issue") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    send(action);
  }, true);
})();
