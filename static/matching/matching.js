/* Receipts: tick all or none of a group without asking the server; without this file the links do it. */
"use strict";
(() => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-pick]");
    if (!link) return;
    event.preventDefault();
    const group = link.closest(".match-receipts") || link.closest("form");
    for (const box of group.querySelectorAll("input[type=checkbox][data-free]")) {
      box.checked = link.dataset.pick === "all";
      const quantity = group.querySelector(`[name="${box.name.replace("take-", "quantity-")}"]`);
      quantity.value = box.checked ? box.dataset.free : "";
    }
  });
})();
