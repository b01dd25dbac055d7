"use strict";
// Replaces one part of the page by what the server sends. What is ticked or opened stays so.
(() => {
  const place = document.getElementById("part");
  const connection = document.getElementById("connection");
  if (!place || !window.EventSource) return;
  const RETRY = 3000; // milliseconds
  let source = null, timer = 0;

  const say = (text) => {
    if (connection && connection.textContent !== text) connection.textContent = text;
  };

  const show = (html) => {
    const ticked = new Set(Array.from(place.querySelectorAll("input:checked"), (one) => one.value));
    const opened = Array.from(place.querySelectorAll("details"), (one) => one.open);
    const focus = document.activeElement;
    const again = place.contains(focus) && focus.value ? focus.value : null;
    const across = Array.from(place.querySelectorAll(".scroll"), (one) => one.scrollLeft);
    place.innerHTML = html;
    place.querySelectorAll("input[type=checkbox]").forEach((one) => {
      one.checked = ticked.has(one.value);
      if (again !== null && one.value === again) one.focus({preventScroll: true});
    });
    place.querySelectorAll("details").forEach((one, i) => { one.open = opened[i] || false; });
    place.querySelectorAll(".scroll").forEach((one, i) => { one.scrollLeft = across[i] || 0; });
  };

  const close = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  };

  const open = () => {
    close();
    source = new EventSource(place.dataset.events);
    source.addEventListener("open", () => say("live"));
    source.addEventListener("part", (event) => { say("live"); show(event.data); });
    source.addEventListener("over", () => { close(); location.reload(); });
    source.addEventListener("still", () => { close(); say(""); });
    source.addEventListener("error", () => {
      say("connection lost, trying again");
      close();
      timer = setTimeout(open, RETRY);
    });
  };

  // A browser keeps few connections to one place: pages that nobody sees give theirs back.
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
  addEventListener("pagehide", close);
  open();
})();
