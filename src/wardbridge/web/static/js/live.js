// A page's end of the stream: subscribes, tells server time, and says when the stream is silent.

import { Stream } from "./stream.js";

const SILENT_MS = 2500; // with the look every 250 ms: marked within 3 s
const HERE_MS = 20_000;

export class Live {
  constructor(topics, handlers) {
    this.handlers = handlers;
    this.heard = performance.now();
    this.offset = null; // server clock minus ours, ms
    this.state = "waiting";
    this.key = document.body.dataset.csrf ?? "";
    this.start(topics);
    setInterval(() => this.look(), 250);
  }

  now() {
    return Date.now() + (this.offset ?? 0);
  }

  start(topics) {
    const worker = document.querySelector("meta[name=live-worker]")?.content;
    if (worker && "SharedWorker" in window) {
      const port = new SharedWorker(worker, { type: "module", name: "wardbridge-live" }).port;
      port.onmessage = ({ data }) => (data.state ? this.turn(data.state) : this.frame(data.frame));
      port.start();
      port.postMessage({ topics, key: this.key });
      setInterval(() => port.postMessage({ here: 1 }), HERE_MS);
      addEventListener("pagehide", () => port.postMessage({ bye: 1 }));
      addEventListener("pageshow", (event) => event.persisted && port.postMessage({ topics, key: this.key }));
    } else {
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const stream = new Stream(`${scheme}://${location.host}/live`, {
        frame: (data) => this.frame(data),
        state: (state) => this.turn(state),
      });
      stream.subscribe(topics);
    }
  }

  frame(data) {
    this.heard = performance.now();
    if (this.state !== "live" && this.state !== "ended") this.turn("live");
    if (data instanceof ArrayBuffer) {
      this.handlers.waves?.(readWaves(data));
      return;
    }
    const message = JSON.parse(data);
    switch (message.t) {
      case "h":
        this.offset = message.now - Date.now();
        this.handlers.beat?.(message.now);
        break;
      case "n":
        this.handlers.numbers?.(message.p, this.now());
        break;
      case "a":
        this.handlers.alarms?.(message.alarms, message.topic);
        break;
      case "s":
        this.handlers.scores?.(message.p);
        break;
      case "w":
        this.handlers.who?.(message.p);
        break;
      case "no":
        this.handlers.refused?.(message.topic, message.why);
        break;
      case "end":
        this.turn("ended");
        break;
    }
  }

  turn(state) {
    if (state === "open" || state === "closed") return; // silence and beats decide what people see
    if (state === this.state) return;
    this.state = state;
    this.handlers.state?.(state);
  }

  look() {
    const silent = performance.now() - this.heard > SILENT_MS;
    if (silent && this.state !== "ended") this.turn("stale");
    this.handlers.tick?.(this.now(), performance.now() - this.heard);
  }
}

// [{ place, channel, start, period, values: Float32Array }] of one binary frame (see live/wire.py).
export function readWaves(buffer) {
  const length = new DataView(buffer).getUint16(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 2, length)));
  let at = 2 + length;
  return header.map(([place, channel, start, period, scale, offset, count]) => {
    const raw = new Int16Array(buffer, at, count);
    at += count * 2;
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = raw[i] * scale + offset;
    return { place, channel, start, period, values };
  });
}
