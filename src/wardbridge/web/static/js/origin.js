// The samples around one charted value.
const host = document.querySelector("[data-plot]");
if (host && window.uPlot) {
  const { at, unit, points } = JSON.parse(host.dataset.plot);
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const plot = new window.uPlot(
    {
      width: host.clientWidth,
      height: 200,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true } },
      axes: [{ ...axis, values: [[60, "{HH}:{mm}", null, null, null, null, null, null, 1], [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1]] }, { ...axis, label: unit, labelSize: 18, size: 46 }],
      series: [{}, { stroke: "transparent" }, { stroke: "transparent" }, { stroke: ink("--accent"), width: 1.6 }],
      bands: [{ series: [2, 1], fill: ink("--accent-soft") }],
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1e3), host.dataset.zone),
      hooks: {
        draw: [
          (u) => {
            const x = u.valToPos(at, "x", true);
            u.ctx.save();
            u.ctx.strokeStyle = ink("--ink");
            u.ctx.setLineDash([4, 4]);
            u.ctx.beginPath();
            u.ctx.moveTo(x, u.bbox.top);
            u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
            u.ctx.stroke();
            u.ctx.restore();
          },
        ],
      },
    },
    [points.map((p) => p[0]), points.map((p) => p[1]), points.map((p) => p[2]), points.map((p) => p[3])],
    host,
  );
  addEventListener("resize", () => plot.setSize({ width: host.clientWidth, height: 200 }));
}
