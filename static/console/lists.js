/* List pages: opening and choosing rows, column chooser, words, keys. Everything is delegated, so swapped lists just work. */
"use strict";
(() => {
  const list = () => document.querySelector(".list");
  const rows = () => [...document.querySelectorAll(".list tbody tr")];
  const boxes = () => [...document.querySelectorAll(".list tbody .pick input")];
  let last = null;

  function count() {
    const picked = boxes().filter((box) => box.checked).length;
    const all = document.querySelector(".list [data-all]");
    const shown = document.querySelector("[data-picked]");
    if (shown) shown.textContent = picked.toLocaleString("en");
    if (all) {
      all.checked = picked > 0 && picked === boxes().length;
      all.indeterminate = picked > 0 && !all.checked;
    }
  }

  function fit() {
    for (const box of document.querySelectorAll(".table-box")) {
      box.classList.remove("fits");
      const wide = box.scrollWidth > box.clientWidth + 1;
      box.classList.toggle("fits", !wide);
      box.onscroll = () => box.classList.toggle("scrolled", box.scrollLeft > 0);
    }
  }

  function open(row, event) {
    const url = row.dataset.href;
    if (event.ctrlKey || event.metaKey || event.button === 1) window.open(url, "_blank", "noopener");
    else window.location.assign(url);
  }

  document.addEventListener("click", (event) => {
    if (event.target.matches("[data-unpick]")||event.target.closest("[data-unpick]")) {
      for (const box of document.querySelectorAll(".selection input:checked")) box.checked = false;
      count();
      return;
    }
    const cell = event.target.closest(".pick");
    if (cell && event.target === cell) { cell.querySelector("input")?.click(); return; }
    const box = event.target.closest(".list tbody .pick input");
    if (box && event.shiftKey && last) {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const between of all.slice(from, to + 1)) between.checked = box.checked;
      count();
    }
    if (box) { last = box; return; }
    const row = event.target.closest("tr[data-href]");
    if (!row || event.target.closest("a, button, input, label") || String(window.getSelection())) return;
    open(row, event);
  });
  document.addEventListener("auxclick", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (row && event.button === 1 && !event.target.closest("a, button, input")) open(row, event);
  });

  document.addEventListener("change", (event) => {
    const target = event.target;
    if (target.matches("[data-all]")) {
      for (const box of boxes()) box.checked = target.checked;
      count();
    } else if (target.matches(".pick input")) count();
    else if (target.matches("[data-custom]")) {
      const custom = target.closest(".filter").querySelector('[data-period][value="custom"]');
      if (custom) custom.checked = true;
    } else if (target.matches("[data-period]") && target.value !== "custom") target.form.requestSubmit();
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-columns]")) {
      const keys = [...form.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value);
      form.elements.cols.value = keys.join(",");
    }
    if (form.matches("[data-download]")) setTimeout(() => { form.closest("details").open = false; }, 300);
  });

  // One line searches on Enter, as every search box does; Shift+Enter begins another line.
  document.addEventListener("keydown", (event) => {
    const words = event.target.closest?.("textarea.words");
    if (words && event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); words.form.requestSubmit(); return; }
    if (!list() || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select, dialog, details.menu")) return;
    const all = rows();
    const at = all.findIndex((row) => row.classList.contains("here"));
    const move = (to) => {
      if (!all.length) return;
      all[at]?.classList.remove("here");
      const row = all[Math.max(0, Math.min(all.length - 1, to))];
      row.classList.add("here");
      row.scrollIntoView({ block: "nearest" });
    };
    const keys = {
      j: () => move(at + 1),
      k: () => move(at - 1),
      x: () => all[at]?.querySelector(".pick input")?.click(),
      n: () => document.querySelector(".pager [rel=next]")?.click(),
      p: () => document.querySelector(".pager [rel=prev]")?.click(),
      f: () => document.querySelector("#filters textarea, #filters select, #filters input")?.focus(),
    };
    if (event.key === "Enter" && at >= 0 && event.target === document.body) { open(all[at], event); return; }
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  function settle() {
    if (matchMedia("(max-width: 860px)").matches) document.querySelector(".filter-box")?.removeAttribute("open");
    fit();
    count();
  }
  document.addEventListener("htmx:afterSettle", (event) => { if (event.detail.target.matches?.("#list, body, main")) settle(); });
  window.addEventListener("resize", fit);
  window.addEventListener("pageshow", settle);
  document.addEventListener("DOMContentLoaded", settle);
})();
