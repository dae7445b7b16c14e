// A sweep display: the trace overwrites itself behind an erase gap, at a calibrated speed.
// Samples play from a small buffer, so that what arrives in bursts is drawn evenly; the buffer learns how
// long the bursts are. Missing samples stay missing: the line breaks.

const PX_PER_MM = 96 / 25.4;
const GAP_PX = 16;
const JUMP_MS = 4000;

const LOOKS = {
  ecg: { speed: 25, mmPerUnit: 10, color: "--hr", width: 1.6 },
  pleth: { speed: 25, color: "--spo2", width: 1.6 },
  abp: { speed: 25, color: "--abp", width: 1.6, floor: 0, steps: [100, 160, 200, 300] },
  cvp: { speed: 12.5, color: "--cvp", width: 1.6, floor: 0, steps: [20, 40] },
  pap: { speed: 25, color: "--rr", width: 1.6, floor: 0, steps: [40, 80] },
  resp: { speed: 12.5, color: "--rr", width: 1.6 },
  co2: { speed: 12.5, color: "--co2", width: 1.6, floor: 0, steps: [40, 60, 100] },
  paw: { speed: 12.5, color: "--vent", width: 1.6, floor: 0, steps: [20, 40, 60, 100] },
  flow: { speed: 12.5, color: "--flow", width: 1.6, mirror: [60, 120, 200] },
  other: { speed: 12.5, color: "--soft", width: 1.4 },
};

export class Sweep {
  constructor(canvas, kind, { scale = null, speed = 0 } = {}) {
    this.canvas = canvas;
    this.look = LOOKS[kind] ?? LOOKS.other;
    this.kind = kind;
    this.pxPerMs = ((speed || this.look.speed) * PX_PER_MM) / 1000;
    this.scale = scale;
    this.runs = [];
    this.play = null; // the sample time that is drawn next, ms
    this.end = null; // the time after the newest sample
    this.target = 400; // how far play stays behind end, ms
    this.history = []; // [time, value] of the visible sweep, for redrawing
    this.low = 0;
    this.high = 1;
    this.seenLow = Infinity;
    this.seenHigh = -Infinity;
    this.lastArrival = 0;
    this.context = canvas.getContext("2d", { desynchronized: true });
    this.fit();
    new ResizeObserver(() => this.fit()).observe(canvas);
  }

  fit() {
    const box = this.canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(box.width * ratio));
    const height = Math.max(1, Math.round(box.height * ratio));
    if (width === this.canvas.width && height === this.canvas.height && this.ratio === ratio) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.ratio = ratio;
    this.width = box.width;
    this.height = box.height;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.color = getComputedStyle(this.canvas).getPropertyValue(this.look.color).trim() || "#fff";
    this.redraw();
  }

  push(run) {
    const start = run.start;
    const end = start + run.values.length * run.period;
    const now = performance.now();
    if (this.end !== null) {
      if (end <= this.end) return; // late or repeated
      if (start - this.end > 2 * run.period || start < this.end - JUMP_MS) {
        if (Math.abs(start - this.end) > JUMP_MS) this.reset();
      }
      const burst = Math.max(now - this.lastArrival, end - start);
      if (burst < 3000) this.target = Math.max(this.target * 0.98, burst * 1.2 + 80, 250);
    }
    this.lastArrival = now;
    this.runs.push(run);
    this.end = end;
    if (this.play === null) this.play = Math.max(start, end - this.target);
  }

  reset() {
    this.runs = [];
    this.play = null;
    this.end = null;
    this.pen = null;
  }

  frame(elapsed) {
    if (this.play === null || this.end === null) return;
    const lag = this.end - this.play;
    if (lag <= 0) return;
    let rate = 1 + Math.max(-0.25, Math.min(0.5, (lag - this.target) / (this.target * 6)));
    if (lag > this.target + JUMP_MS) {
      this.play = this.end - this.target;
      this.pen = null;
    }
    const until = Math.min(this.play + elapsed * rate, this.end);
    this.draw(this.play, until);
    this.play = until;
    while (this.runs.length && this.runs[0].start + this.runs[0].values.length * this.runs[0].period <= until) this.runs.shift();
  }

  draw(from, until) {
    const context = this.context;
    let drawn = false;
    for (const run of this.runs) {
      let i = Math.max(0, Math.ceil((from - run.start) / run.period));
      const last = Math.min(run.values.length, Math.ceil((until - run.start) / run.period));
      for (; i < last; i++) {
        const time = run.start + i * run.period;
        const value = run.values[i];
        this.history.push(time, value);
        if (value < this.seenLow) this.seenLow = value;
        if (value > this.seenHigh) this.seenHigh = value;
        if (!drawn) {
          this.begin(context);
          drawn = true;
        }
        this.line(context, time, value, run.period);
      }
    }
    if (drawn) {
      context.stroke();
      this.trim(until);
      this.rescale();
    }
  }

  begin(context) {
    context.strokeStyle = this.color;
    context.lineWidth = this.look.width;
    context.lineJoin = "round";
    context.beginPath();
    if (this.pen) context.moveTo(this.pen.x, this.pen.y);
  }

  line(context, time, value, period) {
    const x = (time * this.pxPerMs) % this.width;
    const y = this.y(value);
    const pen = this.pen;
    const joined = pen && time - pen.time <= period * 2.5 && x >= pen.x;
    this.erase(context, pen && joined ? pen.x : x, x);
    if (joined) context.lineTo(x, y);
    else context.moveTo(x, y);
    this.pen = { x, y, time };
  }

  erase(context, from, to) {
    context.clearRect(from + 1, 0, to - from + GAP_PX, this.height);
    const over = to + GAP_PX - this.width;
    if (over > 0) context.clearRect(0, 0, over, this.height);
  }

  trim(until) {
    const span = (this.width - GAP_PX) / this.pxPerMs;
    let keep = 0;
    while (keep < this.history.length && this.history[keep] < until - span) keep += 2;
    if (keep > 2000) this.history.splice(0, keep);
  }

  // The range that the trace needs; steps keep it calm. True when it changed.
  rescale() {
    const now = performance.now();
    if (now - (this.scaledAt ?? -Infinity) < 700) return;
    this.scaledAt = now;
    const { floor, steps, mirror, mmPerUnit } = this.look;
    let low;
    let high;
    if (mmPerUnit) {
      // calibrated: 10 mm/mV, halved only when the strip is too low for the complex
      const room = this.height / (mmPerUnit * PX_PER_MM);
      const span = Math.max(this.seenHigh - this.seenLow, 0.4);
      const gain = [1, 0.5, 0.25, 2].find((g) => (g === 2 ? false : span * g <= room * 0.94)) ?? 0.25;
      const chosen = span * 2 <= room * 0.5 ? 2 : gain;
      const middle = (this.seenHigh + this.seenLow) / 2;
      const fits = this.gain === chosen && this.seenLow >= this.low && this.seenHigh <= this.high;
      if (fits) return this.forget();
      this.gain = chosen;
      low = middle - room / chosen / 2;
      high = middle + room / chosen / 2;
    } else if (steps) {
      const top = steps.find((step) => this.seenHigh <= step) ?? Math.ceil(this.seenHigh / 50) * 50;
      low = Math.min(floor, Math.floor(this.seenLow / 10) * 10);
      high = top;
    } else if (mirror) {
      const size = Math.max(Math.abs(this.seenLow), Math.abs(this.seenHigh));
      high = mirror.find((step) => size <= step) ?? Math.ceil(size / 100) * 100;
      low = -high;
    } else {
      const span = this.seenHigh - this.seenLow || 1;
      const used = span / (this.high - this.low);
      if (this.seenLow >= this.low && this.seenHigh <= this.high && used > 0.45) return this.forget();
      low = this.seenLow - span * 0.12;
      high = this.seenHigh + span * 0.12;
    }
    this.forget();
    if (low === this.low && high === this.high) return;
    this.low = low;
    this.high = high;
    this.redraw();
    this.tellScale();
  }

  // Extremes fade, so that one artefact does not flatten the trace for good.
  forget() {
    if ((this.rounds = (this.rounds ?? 0) + 1) % 10 === 0) {
      this.seenLow = Infinity;
      this.seenHigh = -Infinity;
      for (let i = 1; i < this.history.length; i += 2) {
        const value = this.history[i];
        if (value < this.seenLow) this.seenLow = value;
        if (value > this.seenHigh) this.seenHigh = value;
      }
    }
  }

  tellScale() {
    if (!this.scale) return;
    const digits = this.high - this.low < 10 ? 1 : 0;
    const top = this.scale.querySelector("[data-top]");
    const bottom = this.scale.querySelector("[data-bottom]");
    const bar = this.scale.querySelector("[data-bar]");
    if (this.look.mmPerUnit && bar) {
      bar.style.height = `${this.look.mmPerUnit * PX_PER_MM * this.gain}px`;
      bar.hidden = false;
      this.scale.querySelector("[data-gain]").textContent = `${this.look.mmPerUnit * this.gain} mm/mV`;
    } else if (this.look.steps || this.look.mirror) {
      top.textContent = this.high.toFixed(digits);
      bottom.textContent = this.low.toFixed(digits);
    }
  }

  y(value) {
    const share = (value - this.low) / (this.high - this.low);
    return this.height - 2 - share * (this.height - 4);
  }

  redraw() {
    const context = this.context;
    context.clearRect(0, 0, this.width, this.height);
    this.pen = null;
    if (!this.history.length) return;
    const span = (this.width - GAP_PX) / this.pxPerMs;
    const until = this.history[this.history.length - 2];
    const period = this.runs[0]?.period ?? 10;
    context.strokeStyle = this.color;
    context.lineWidth = this.look.width;
    context.lineJoin = "round";
    context.beginPath();
    let before = null;
    for (let i = 0; i < this.history.length; i += 2) {
      const time = this.history[i];
      if (time < until - span) continue;
      const x = (time * this.pxPerMs) % this.width;
      const y = this.y(this.history[i + 1]);
      if (before && time - before.time <= period * 2.5 && x >= before.x) context.lineTo(x, y);
      else context.moveTo(x, y);
      before = { x, y, time };
    }
    context.stroke();
    this.pen = before;
  }
}

// All sweeps of a page in one animation loop; canvases off screen are not drawn.
export class Sweeps {
  constructor() {
    this.byChannel = new Map();
    this.last = 0;
    this.step = this.step.bind(this);
    requestAnimationFrame(this.step);
  }

  add(key, sweep) {
    this.byChannel.set(key, sweep);
  }

  get(key) {
    return this.byChannel.get(key);
  }

  push(run) {
    this.byChannel.get(`${run.place} ${run.channel}`)?.push(run);
  }

  step(now) {
    const elapsed = Math.min(now - this.last, 500);
    this.last = now;
    for (const sweep of this.byChannel.values()) sweep.frame(elapsed);
    requestAnimationFrame(this.step);
  }
}
