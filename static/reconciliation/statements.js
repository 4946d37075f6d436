/* Choosing columns: what was unfolded stays unfolded while the file is read again. */
"use strict";
document.addEventListener("htmx:afterSwap", (event) => {
  const more = event.detail.target.querySelector(".st-more");
  if (more) more.open = event.detail.target.dataset.unfolded === "1";
});
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".st-more")) event.target.closest("#columns").dataset.unfolded = event.target.open ? "1" : "";
}, true);
