// Trends on one time axis: stacked uPlot charts with one cursor. Gaps stay gaps; the band is min to max,
// the line the mean; what people charted are points.

const PANELS = [
  { name: "HR", slots: ["hr"], colors: ["--hr"], unit: "/min", span: [40, 140] },
  { name: "BP", slots: ["abp-sys", "abp-mean", "abp-dia", "nibp-sys", "nibp-mean", "nibp-dia"], colors: ["--abp", "--abp", "--abp", "--nibp", "--nibp", "--nibp"], unit: "mmHg", span: [40, 180] },
  { name: "SpO₂", slots: ["spo2"], colors: ["--spo2"], unit: "%", span: [80, 100] },
  { name: "RR", slots: ["rr"], colors: ["--rr"], unit: "/min", span: [5, 35] },
  { name: "etCO₂", slots: ["etco2"], colors: ["--co2"], unit: "mmHg", span: [20, 60] },
  { name: "T", slots: ["temp"], colors: ["--temp"], unit: "°C", span: [35, 40] },
];

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// One table for uPlot: the union of all times; [low, high, mean] per series, null where there is none.
function table(series) {
  const times = [...new Set(series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
  const at = new Map(times.map((time, i) => [time, i]));
  const data = [times];
  for (const one of series) {
    const columns = [0, 1, 2].map(() => new Array(times.length).fill(undefined)); // undefined: no point here, not a gap
    for (const [time, low, high, mean] of one.points) {
      const i = at.get(time);
      columns[0][i] = low;
      columns[1][i] = high;
      columns[2][i] = mean;
    }
    data.push(...columns);
  }
  return data;
}

function panel(host, spec, series, since, until, last, sync) {
  const lines = [];
  const bands = [];
  series.forEach((one, i) => {
    const color = ink(spec.colors[spec.slots.indexOf(one.slot)] ?? "--soft");
    const manual = one.source === "manual";
    const base = 1 + i * 3;
    lines.push(
      { show: !manual, stroke: "transparent", width: 0, points: { show: false } },
      { show: !manual, stroke: "transparent", width: 0, points: { show: false } },
      manual
        ? { label: one.label, stroke: color, paths: () => null, points: { show: true, size: 9, width: 2, stroke: color, fill: ink("--surface") } }
        : { label: one.label, stroke: color, width: one.slot.endsWith("mean") ? 1 : 1.6, dash: one.slot.endsWith("mean") ? [4, 3] : undefined, points: { show: one.slot.startsWith("nibp"), size: 5, fill: color } },
    );
    if (!manual) bands.push({ series: [base + 1, base], fill: `color-mix(in srgb, ${color} 22%, transparent)` });
  });
  const [low, high] = spec.span;
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  return new window.uPlot(
    {
      width: host.clientWidth,
      height: last ? 132 : 108,
      padding: [6, 8, last ? 0 : 4, 0],
      legend: { show: false },
      cursor: { sync: { key: sync, scales: ["x", null] }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true, range: () => [since, until] },
        y: { range: (_, min, max) => [Math.min(low, (min ?? low) - 2), Math.max(high, (max ?? high) + 2)] },
      },
      axes: [
        { ...axis, show: last, size: 24, values: [[3600, "{HH}:{mm}", null, null, null, null, null, null, 1], [60, "{HH}:{mm}", null, null, null, null, null, null, 1]] },
        { ...axis, size: 42, space: 26 },
      ],
      series: [{}, ...lines],
      bands,
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1e3), host.closest("[data-zone]").dataset.zone),
    },
    table(series),
    host,
  );
}

export function trends(root) {
  if (!root || !window.uPlot) return;
  const body = root.querySelector("[data-panels]");
  const note = root.querySelector("[data-note]");
  let plots = [];
  let hours = 4;

  async function load() {
    const answer = await fetch(`${root.dataset.trends}?hours=${hours}`).catch(() => null);
    if (!answer?.ok) {
      note.textContent = root.dataset.failed;
      return;
    }
    const { since, until, series } = await answer.json();
    plots.forEach((plot) => plot.destroy());
    plots = [];
    body.replaceChildren();
    const shown = PANELS.map((spec) => [spec, series.filter((s) => spec.slots.includes(s.slot) && s.points.length)]).filter(([, list]) => list.length);
    const rest = series.filter((s) => s.points.length && !PANELS.some((spec) => spec.slots.includes(s.slot)));
    for (const one of rest) shown.push([{ name: one.label, slots: [one.slot], colors: ["--vent"], unit: one.unit, span: [0, 1] }, [one]]);
    note.textContent = shown.length ? "" : root.dataset.empty;
    shown.forEach(([spec, list], i) => {
      const row = document.createElement("div");
      row.className = "trend-row";
      const name = document.createElement("div");
      name.className = "trend-name";
      name.append(Object.assign(document.createElement("b"), { textContent: spec.name }), Object.assign(document.createElement("small"), { textContent: spec.unit }));
      const host = document.createElement("div");
      host.className = "trend-plot";
      row.append(name, host);
      body.append(row);
      plots.push(panel(host, spec, list, since, until, i === shown.length - 1, "bed"));
    });
  }

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-hours]");
    if (!button) return;
    hours = Number(button.dataset.hours);
    for (const other of root.querySelectorAll("[data-hours]")) other.setAttribute("aria-pressed", String(other === button));
    load();
  });
  addEventListener("resize", () => plots.forEach((plot) => plot.setSize({ width: plot.root.parentElement.clientWidth, height: plot.height })));
  load();
  setInterval(() => document.visibilityState === "visible" && load(), 60_000);
}
