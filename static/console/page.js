/* What every page does beside showing itself: copying, menus, dialogs, folding, keys, waiting. Works on what htmx swaps in. */
"use strict";
(() => {
  const toasts = document.getElementById("toasts");

  function toast(text) {
    if (!toasts || !text) return;
    const note = document.createElement("p");
    note.className = "toast";
    note.textContent = text;
    toasts.append(note);
    setTimeout(() => note.remove(), 2600);
  }

  function remember(name, value) {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  }

  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast(toasts.dataset.copied);
  }

  function fold() {
    const folded = document.documentElement.classList.toggle("folded");
    remember("sidebar", folded ? "folded" : "open");
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], [data-fold], [data-dismiss], [data-close], [data-keys], .folded .nav-group summary");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (!target) return;
    if (target.dataset.copy !== undefined) { event.preventDefault(); copy(target); }
    else if (target.dataset.fold !== undefined) fold();
    else if (target.dataset.keys !== undefined) document.getElementById("keys").showModal();
    else if (target.dataset.dismiss !== undefined) target.closest(".note").remove();
    else if (target.dataset.close !== undefined) {
      const dialog = target.closest("dialog");
      if (dialog) { event.preventDefault(); dialog.close(); }
    } else if (matchMedia("(min-width: 861px)").matches) {
      // A folded section has no room for its links: open the navigation with it.
      fold();
      if (target.parentElement.open) event.preventDefault();
    }
  });

  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.(".nav-group")) return;
    const open = [...document.querySelectorAll(".nav-group[open]")].map((group) => group.dataset.key);
    remember("nav", open.join("."));
  }, true);

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
  });

  // A second click on the same confirmation must not send it twice; the server would refuse it, but why ask.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
  });

  const drop = (event) => event.target.closest?.(".drop");
  document.addEventListener("dragover", (event) => { const box = drop(event); if (box) { event.preventDefault(); box.classList.add("over"); } });
  document.addEventListener("dragleave", (event) => drop(event)?.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    const box = drop(event);
    if (!box) return;
    event.preventDefault();
    box.classList.remove("over");
    box.querySelector("input[type=file]").files = event.dataTransfer.files;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog-body") document.getElementById("dialog").showModal();
  });
  document.addEventListener("htmx:sendError", () => toast(toasts.dataset.failed));
  document.addEventListener("htmx:responseError", () => toast(toasts.dataset.failed));

  // Only what somebody asked for shows the line on top; polling stays quiet.
  const wait = document.getElementById("wait");
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig?.triggeringEvent?.type !== "htmx:poll:trigger" && event.detail.boosted) wait?.classList.add("on");
  });
  document.addEventListener("htmx:afterRequest", () => wait?.classList.remove("on"));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
      if (document.activeElement?.id === "search") document.activeElement.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const go = { "/": () => document.getElementById("search")?.focus(), "[": fold, "?": () => document.getElementById("keys")?.showModal() }[event.key];
    if (go) { event.preventDefault(); go(); }
  });
})();
