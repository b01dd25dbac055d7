/* Turns the charts of a page into ones to point at and to zoom, and lets tables be sorted.
   Without scripts everything stands there as well: as pictures, and as tables beside them. */
(() => {
  "use strict";
  const DAY = 86400;
  const FONT = "12px system-ui, sans-serif";
  const root = document.documentElement;
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const make = (tag, props, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };
  const number = (value, digits) => {
    if (value == null) return "none";
    if (digits != null) return value.toFixed(digits);
    return Math.abs(value) >= 1e6 || (value && Math.abs(value) < 1e-3) ? value.toPrecision(3) : String(+value.toPrecision(5));
  };
  const isoDay = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const charts = [];

  /* What stands at the pointed place: the day, and every line's value there. */
  function tooltip(told, isTime) {
    const box = make("div", {className: "told", hidden: true});
    const show = (u) => {
      const at = u.cursor.idx;
      box.hidden = at == null || u.cursor.left < 0;
      if (box.hidden) return;
      const x = u.data[0][at];
      const rows = told.series.map((one, i) => {
        const value = u.data[i + 1][at];
        const mark = make("i", {className: "mark"});
        mark.style.background = colour("--line" + one.line);
        return make("span", {}, mark, one.name + " ", make("b", {textContent: number(value, told.digits) + (value == null ? "" : told.suffix || "")}));
      });
      box.replaceChildren(make("strong", {textContent: isTime ? isoDay(x) : number(x) + (told.x ? " " + told.x : "")}), ...rows);
      const half = u.over.clientWidth / 2;
      box.style.left = u.cursor.left < half ? (u.cursor.left + 14) + "px" : "auto";
      box.style.right = u.cursor.left < half ? "auto" : (u.over.clientWidth - u.cursor.left + 14) + "px";
    };
    return {hooks: {init: (u) => u.over.append(box), setCursor: show}};
  }

  function options(figure, told, data, width, logarithmic) {
    const quiet = {stroke: () => colour("--ink"), grid: {stroke: () => colour("--rule"), width: 1}, ticks: {stroke: () => colour("--rule"), width: 1}, font: FONT, labelFont: FONT};
    const lines = told.series.map((one, i) => ({
      label: one.name, stroke: () => colour("--line" + one.line), width: one.line === 1 ? 1.8 : 1.4,
      dash: one.dash, spanGaps: false, points: one.y.filter((y) => y != null).length > 1 ? {show: !!one.points, size: 6} : {show: true, size: 11, fill: () => colour("--line" + one.line)},
      ...(told.bars ? (i ? {paths: uPlot.paths.stepped({align: 0})} : {paths: uPlot.paths.bars({size: [0.9, 60]}), fill: () => colour("--line" + one.line)}) : {}),
      ...(told.step ? {paths: uPlot.paths.stepped({align: 1})} : {}),
    }));
    const named = (u, splits, axis, space, step) => splits.map((s) => isoDay(s).slice(0, step >= 300 * DAY ? 4 : step >= 27 * DAY ? 7 : 10));
    const bottom = {...quiet, ...(data.time ? {values: named} : {}), grid: {show: false}, label: told.x || undefined, labelSize: 20, space: width < 480 ? 70 : 60};
    return {
      width, height: told.height || 220, padding: [8, 8, 0, 0],
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC"),
      cursor: {sync: {key: figure.id, scales: ["x", null]}, drag: {x: true, y: false, uni: 12}, y: false, points: {size: 7}},
      legend: {show: false},
      scales: {x: {time: data.time}, y: {distr: logarithmic ? 3 : 1}},
      axes: [bottom, {...quiet, label: told.label, labelSize: 22, size: 54}],
      series: [{}, ...lines],
      plugins: [tooltip(told, data.time)],
    };
  }

  function enliven(figure) {
    const source = figure.querySelector("script[type='application/json']");
    const data = JSON.parse(source.textContent);
    data.panels.forEach((told, i) => told.falls && told.series.forEach((one, j) => {
      let top = 1;
      one.y = data.panels[i - 1].series[j].y.map((wealth) => {
        if (wealth == null) return null;
        top = Math.max(top, wealth);
        return 100 * (wealth / top - 1);
      });
    }));
    const x = data.time ? data.x.map((day) => day * DAY) : data.x;
    const place = make("div", {className: "live", tabIndex: 0});
    const title = figure.querySelector(".plot svg title").textContent;
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", title + ". Arrow keys move along it, plus and minus zoom, 0 shows all. The numbers stand in the table below.");
    let logarithmic = !!data.begins, plots = [];
    const all = [x[0], x[x.length - 1]];
    const range = () => [plots[0].scales.x.min ?? all[0], plots[0].scales.x.max ?? all[1]];
    const zoom = (min, max) => plots.forEach((u) => u.setScale("x", {min, max}));
    const scale = (factor) => {
      const [min, max] = range(), middle = plots[0].cursor.idx == null ? (min + max) / 2 : x[plots[0].cursor.idx], half = (max - min) * factor / 2;
      const low = Math.max(all[0], middle - half), high = Math.min(all[1], middle + half);
      if (high > low) zoom(low, high);
    };
    const draw = () => {
      const kept = plots.length ? range() : all;
      plots.forEach((u) => u.destroy());
      const width = Math.max(240, Math.floor(place.clientWidth || figure.clientWidth));
      plots = data.panels.map((told, i) => new uPlot(options(figure, told, data, width, logarithmic && i === 0), [x, ...told.series.map((one) => one.y)], place));
      if (kept[0] !== all[0] || kept[1] !== all[1]) zoom(...kept);
    };
    const button = (text, label, act) => {
      const one = make("button", {type: "button", textContent: text, onclick: act});
      one.setAttribute("aria-label", label + ": " + title);
      return one;
    };
    const tools = make("div", {className: "tools"},
      button("+", "zoom in", () => scale(0.5)), button("−", "zoom out", () => scale(2)), button("All", "show all", () => zoom(...all)));
    if (data.log) {
      const toggle = button("Log scale", "logarithmic scale", () => {
        logarithmic = !logarithmic;
        toggle.setAttribute("aria-pressed", String(logarithmic));
        draw();
      });
      toggle.setAttribute("aria-pressed", String(logarithmic));
      tools.append(toggle);
    }
    tools.append(make("span", {className: "hint", textContent: "Drag to zoom, double-click for all."}));
    place.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (step) {
        const u = plots[0], [min, max] = range();
        const inside = x.map((_, i) => i).filter((i) => x[i] >= min && x[i] <= max);
        const stride = Math.max(1, Math.round(inside.length / 100));
        const from = u.cursor.idx ?? inside[0] - step * stride;
        const at = Math.min(inside[inside.length - 1], Math.max(inside[0], from + step * stride));
        plots.forEach((one) => one.setCursor({left: one.valToPos(x[at], "x"), top: 10}));
      } else if (event.key === "+" || event.key === "=") scale(0.5);
      else if (event.key === "-") scale(2);
      else if (event.key === "0") zoom(...all);
      else return;
      event.preventDefault();
    });
    figure.querySelector(".plot").after(tools, place);
    figure.classList.add("lively");
    draw();
    charts.push({figure, draw, width: place.clientWidth, place});
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const value = (cell) => {
      const text = cell.textContent.trim(), found = text.replace("−", "-").match(/^[+±]?-?\d[\d,]*\.?\d*(e[+-]?\d+)?/);
      return found ? Number(found[0].replace(/[+±,]/g, "")) : text;
    };
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      const button = make("button", {type: "button", className: "sort"}, ...head.childNodes);
      head.append(button);
      button.onclick = () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        Array.from(table.tHead.rows[0].cells).forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = Array.from(body.rows).map((row, i) => ({row, i, key: value(row.cells[column])}));
        const rank = (key) => (typeof key === "number" ? 0 : 1);
        rows.sort((a, b) => {
          if (rank(a.key) !== rank(b.key)) return rank(a.key) - rank(b.key);
          const order = typeof a.key === "number" ? a.key - b.key : a.key.localeCompare(b.key);
          return (down ? -order : order) || a.i - b.i;
        });
        body.append(...rows.map((one) => one.row));
      };
    });
  }

  const begin = () => {
    document.querySelectorAll("table.sortable").forEach(sortable);
    if (typeof uPlot === "undefined") return;
    const seen = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => {
      seen.unobserve(one.target);
      enliven(one.target);
    }), {rootMargin: "600px"});
    document.querySelectorAll("figure[data-live]").forEach((figure) => seen.observe(figure));
    const redraw = () => charts.forEach((one) => one.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    let waiting;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => charts.forEach((one) => {
        if (one.place.clientWidth !== one.width) { one.width = one.place.clientWidth; one.draw(); }
      }), 150);
    });
    document.querySelectorAll("details").forEach((one) => one.addEventListener("toggle", () => dispatchEvent(new Event("resize"))));
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin); else begin();
})();
