"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const touch = matchMedia("(pointer: coarse)").matches;
const settings = { responsive: true, displaylogo: false, displayModeBar: false, doubleClick: "reset" };
const figures = [...document.querySelectorAll("figure")];
const hidden = new Set();
const drawn = new Set();
let share = false;

const specs = new WeakMap();
function specOf(figure) {
  if (!specs.has(figure)) specs.set(figure, JSON.parse(figure.querySelector("script").textContent));
  return specs.get(figure);
}

// Colours: "@ink" follows the ground, "#2a6fbb/.2" lets it through.
const DATA = new Set(["x", "y", "z", "text", "customdata", "top", "classes", "hovertemplate", "name", "meta"]);
function paint(value, theme) {
  if (typeof value === "string") {
    const [name, alpha] = value.split("/");
    if (!/^[@#]/.test(name)) return value;
    const colour = name[0] === "@" ? theme[name.slice(1)] : name;
    return alpha ? `rgba(${[1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16)).join(",")},${alpha})` : colour;
  }
  if (Array.isArray(value)) return value.map((item) => paint(item, theme));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, DATA.has(key) ? item : paint(item, theme)]));
  return value;
}
function themeNow() {
  const style = getComputedStyle(document.documentElement);
  const theme = Object.fromEntries(["ink", "soft", "line", "grid", "ground"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  if (theme.ground === "#fff") theme.ground = "#ffffff";
  return theme;
}

const over = (value, top) => (value === null || !top ? value : value / top);
function asShares(trace) {
  const top = trace.top;
  if (trace.z) return { z: trace.z.map((row, k) => row.map((value, c) => over(value, Array.isArray(top) ? top[k][c] : top))) };
  const at = (k) => (Array.isArray(top) ? top[k] : top);
  return { y: trace.y.map((value, k) => over(value, at(k))), ...(trace.error_y ? { error_y: { ...trace.error_y, array: trace.error_y.array.map((value, k) => over(value, at(k))) } } : {}) };
}

// The traces that are shown, as plotly takes them; panels without any are left out.
function tracesOf(chart, theme, shared) {
  const shown = chart.traces.filter((trace) => !hidden.has(trace.meta));
  const used = [...new Set(shown.map((trace) => trace.panel || 0))].sort((a, b) => a - b);
  const names = Object.keys(chart.classes || {}), colours = Object.values(chart.classes || {});
  const traces = shown.map((given) => {
    const { panel, top, classes, ...trace } = paint(given, theme);
    const place = used.indexOf(panel || 0) + 1;
    Object.assign(trace, { xaxis: place > 1 ? `x${place}` : "x", yaxis: place > 1 ? `y${place}` : "y" });
    if (shared && top) Object.assign(trace, asShares(given));
    if (classes) {
      trace.marker = { ...trace.marker, color: classes.map((k) => colours[k]) };
      trace.text = classes.map((k) => names[k]);
    }
    if (trace.type === "heatmap") Object.assign(trace, { customdata: trace.z.map(() => chart.looks), xgap: trace.x.length > 60 ? 0 : 1, ygap: 1 });
    return trace;
  });
  return { traces, panels: used.map((k) => (chart.panels || [""])[k]) };
}

function span(traces, least, zero) {
  let low = zero ? 0 : Infinity, high = zero ? 0 : -Infinity;
  for (const trace of traces) {
    const errors = (trace.error_y || {}).array || [];
    trace.y.forEach((value, k) => { low = Math.min(low, value - (errors[k] || 0)); high = Math.max(high, value + (errors[k] || 0)); });
  }
  if (!Number.isFinite(low)) return undefined;
  const missing = Math.max(0, least - (high - low)) / 2, edge = Math.max(high - low, least) * 0.07 || Math.abs(high) * 0.05 || 1;
  return [low - missing - edge, high + missing + edge];
}

// Of logarithmic axes, whose ranges plotly takes as exponents.
function exponents(values) {
  const known = values.filter((value) => value > 0).map(Math.log10);
  const [low, high] = [Math.min(...known), Math.max(...known)], edge = (high - low) * 0.04 || 0.3;
  return Number.isFinite(low) ? [low - edge, high + edge] : [-1, 0];
}

// The most that values can be, as a line: only where it is near enough to be in sight.
function ceilings(chart, panels, range, shared) {
  const tops = new Set(chart.traces.flatMap((trace) => (trace.top === undefined ? [] : trace.top)));
  if (!range || !tops.size) return [];
  const height = range[1] - range[0];
  const lines = (shared ? [1] : [...tops]).filter((top) => top <= range[1] + 0.35 * height && top >= range[0]).slice(0, 4);
  for (const top of lines) range[1] = Math.max(range[1], top + 0.04 * height);
  return lines.flatMap((top) => panels.map((_name, k) => ({ type: "line", xref: `x${k ? k + 1 : ""} domain`, yref: `y${k ? k + 1 : ""}`, x0: 0, x1: 1, y0: top, y1: top, line: { dash: "dash", width: 1 } })));
}

const columnsOf = (chart, width) => {
  const least = chart.kind === "plane" ? 150 : chart.kind === "map" ? 250 : 215;
  return Math.max(1, Math.min((chart.panels || [""]).length, Math.floor(width / least)));
};

function layoutOf(chart, div, { traces, panels }, theme, shared) {
  const columns = Math.min(columnsOf(chart, div.clientWidth), panels.length), rows = Math.ceil(panels.length / columns);
  const map = chart.kind === "map", plane = chart.kind === "plane", log = chart.kind === "log";
  const names = Object.values(chart.rows || {}), titled = panels.some(Boolean);
  const margin = plane ? { l: 2, r: 2, t: 22, b: 4 } : { l: 48, r: map ? 60 : 8, t: (titled ? 24 : 8) + (chart.legend ? 24 : 0), b: 40 };
  const each = plane ? (div.clientWidth - 4) / columns : map ? Math.max(90, Math.min(560, names.length * (div.closest(".picture") ? 13 : 15))) : div.closest(".picture") ? 215 : 205;
  const gap = map || plane ? 26 : 46, height = Math.round(rows * each + (rows - 1) * gap + margin.t + margin.b);
  const range = map || plane ? undefined : log ? exponents(traces.flatMap((trace) => trace.y)) : span(traces, shared ? 0.02 : chart.least || 0, chart.zero);
  const layout = {
    height, margin, showlegend: Boolean(chart.legend), legend: { orientation: "h", x: 0, y: 1, yref: "container", yanchor: "top", font: { size: 11 } },
    hovermode: "closest", dragmode: touch ? false : "zoom", paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, color: theme.soft, size: 12 },
    hoverlabel: { bgcolor: theme.ground, bordercolor: theme.soft, font: { color: theme.ink, size: 12 }, align: "left" },
    shapes: (log ? [] : ceilings(chart, panels, range, shared)).map((line) => ({ ...line, line: { ...line.line, color: theme.soft } })),
    annotations: [],
  };
  if (map) layout.coloraxis = { colorscale: "Viridis", colorbar: { thickness: 10, len: 1, outlinewidth: 0, tickfont: { size: 10 }, title: { text: shared ? "share" : chart.y, side: "top", font: { size: 11 } }, xpad: 6, nticks: 5 } };
  if (map && chart.powers) {
    const values = traces.flatMap((trace) => trace.z || []).flat().filter((value) => value !== null);
    const low = Math.min(...values), high = Math.max(...values), from = Math.ceil(low), to = Math.floor(high);
    const whole = from < to ? [from, Math.round((from + to) / 2), to] : [low, high]; // a short bar has room for three
    const ticks = [...new Set(whole)];
    Object.assign(layout.coloraxis.colorbar, { tickvals: ticks, ticktext: ticks.map((value) => `${Number((2 ** value).toPrecision(3))}`) });
  }
  const step = Math.max(1, Math.ceil((chart.looks || []).length / Math.max(4, Math.floor(div.clientWidth / columns / 70))));
  const shownLooks = (chart.looks || []).map((_look, k) => k).filter((k) => k % step === 0);
  const every = Math.max(1, Math.ceil(names.length / Math.floor(each / 12)));
  const across = traces.flatMap((trace) => trace.x || []);
  const counted = !log && !map && across.every(Number.isInteger) && Math.max(...across) - Math.min(...across) < 7; // no step 0.5
  panels.forEach((title, k) => {
    const column = k % columns, row = Math.floor(k / columns), id = k ? String(k + 1) : "";
    const wide = (1 - 0.025 * (columns - 1)) / columns, tall = each / (rows * each + (rows - 1) * gap), skip = gap / (rows * each + (rows - 1) * gap);
    const first = column === 0, lowest = k + columns >= panels.length;
    const top = 1 - row * (tall + skip);
    const axis = { zeroline: false, gridcolor: theme.grid, linecolor: theme.soft, showline: !map, ticks: map ? "" : "outside", ticklen: 4, tickcolor: theme.soft, tickfont: { size: 11 }, type: log ? "log" : map ? undefined : "linear" };
    layout[`xaxis${id}`] = { ...axis, anchor: `y${id}`, domain: [column * (wide + 0.025), column * (wide + 0.025) + wide].map((v) => Math.min(1, v)), title: { text: lowest ? chart.x : "", standoff: 5, font: { size: 12 } }, nticks: 7,
      ...(counted ? { dtick: 1 } : {}),
      ...(plane ? { visible: false } : {}), ...(k && !plane ? { matches: "x" } : {}), ...(log ? { dtick: "D2", range: exponents(traces.flatMap((trace) => trace.x)) } : {}),
      ...(map ? { showgrid: false, tickvals: shownLooks, ticktext: shownLooks.map((at) => chart.looks[at]), range: [-0.5, chart.looks.length - 0.5], tickangle: 0 } : {}) };
    layout[`yaxis${id}`] = { ...axis, anchor: `x${id}`, domain: [Math.max(0, top - tall), Math.min(1, top)], title: { text: first && !map ? (shared && traces.some((trace) => trace) ? "share" : chart.y) : "", standoff: 5, font: { size: 12 } }, showticklabels: first, automargin: first, nticks: 6,
      ...(range ? { range } : {}), ...(plane ? { visible: false, scaleanchor: `x${id}` } : {}), ...(k && !plane ? { matches: "y" } : {}), ...(log ? { exponentformat: "power" } : {}),
      ...(map ? { type: "category", categoryorder: "array", categoryarray: Object.keys(chart.rows), showgrid: false, range: [-0.5, names.length - 0.5], tickvals: Object.keys(chart.rows).filter((_name, at) => at % every === 0), ticktext: names.filter((_name, at) => at % every === 0) } : {}) };
    if (title) layout.annotations.push({ text: esc(fitting(title, wide * (div.clientWidth - margin.l - margin.r))), showarrow: false, xref: `x${id} domain`, yref: `y${id} domain`, x: 0, y: 1, xanchor: "left", yanchor: "bottom", font: { size: 12, color: theme.ink } });
  });
  return layout;
}
const fitting = (text, width) => { const most = Math.max(8, Math.floor(width / 7.5)); return text.length <= most ? text : `${text.slice(0, most / 2 - 1)}…${text.slice(-most / 2)}`; };
const esc = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

// One drawing of a figure after the other: plotly draws in steps, and two at once mix their axes.
const busy = new WeakMap();
function draw(figure) {
  const next = (busy.get(figure) || Promise.resolve()).then(() => drawNow(figure));
  busy.set(figure, next);
  return next;
}

async function drawNow(figure) {
  if ("only" in figure.dataset) figure.hidden = hidden.has(figure.dataset.only);
  if (figure.hidden) return;
  const chart = specOf(figure), div = figure.querySelector(".chart"), theme = themeNow();
  const shared = share && chart.traces.some((trace) => trace.top);
  const shown = tracesOf(chart, theme, shared);
  drawn.add(figure);
  div.dataset.columns = columnsOf(chart, div.clientWidth);
  if (!shown.traces.length) { Plotly.purge(div); return; }
  const layout = layoutOf(chart, div, shown, theme, shared);
  div.style.minHeight = "0";
  div.style.height = `${layout.height}px`;
  await Plotly.react(div, shown.traces, layout, settings);
}

const redraw = () => Promise.all([...drawn].map(draw));
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) { sight.unobserve(target); draw(target); }
}, { rootMargin: "200px" });
figures.forEach((figure) => sight.observe(figure));

// On a narrower page there is room for fewer panels side by side.
const room = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const figure = target.closest("figure");
    if (drawn.has(figure) && target.clientWidth && Number(target.dataset.columns) !== columnsOf(specOf(figure), target.clientWidth)) draw(figure);
  }
});
figures.forEach((figure) => room.observe(figure.querySelector(".chart")));
dark.addEventListener("change", redraw);

for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", String(on));
    if ("share" in button.dataset) share = on;
    else if (on) hidden.delete(button.dataset.run);
    else hidden.add(button.dataset.run);
    figures.filter((figure) => "only" in figure.dataset).forEach((figure) => { figure.hidden = hidden.has(figure.dataset.only); });
    redraw();
  });
}

// A link to a folded part opens it.
const unfold = () => { const part = document.getElementById(decodeURIComponent(location.hash.slice(1))); if (part && part.tagName === "DETAILS") part.open = true; };
addEventListener("hashchange", unfold);
unfold();

addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((part) => { part.open = true; });
  figures.forEach((figure) => { sight.unobserve(figure); draw(figure); });
});
