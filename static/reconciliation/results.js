/* One group: a letter does what the button that shows it does. */
"use strict";
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const button = /^[a-z]$/.test(event.key) ? document.querySelector(`[data-press="${event.key}"]`) : null;
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
