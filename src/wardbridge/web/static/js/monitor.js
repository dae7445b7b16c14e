// What all monitoring pages share: the stream, its banner and heartbeat, numbers, alarms, sound, sweeps.

import { Alarms } from "./alarms.js";
import { Live } from "./live.js";
import { Numbers, age, put } from "./numbers.js";
import { Sound } from "./sound.js";
import { Sweep, Sweeps } from "./sweep.js";

export function monitor(topics, extra = {}) {
  const banner = document.querySelector("[data-silence]");
  const beat = document.querySelector("[data-beat]");
  const beatAge = document.querySelector("[data-beat-age]");
  const numbers = new Numbers();
  const alarms = new Alarms({
    announcer: document.querySelector("[data-announce]"),
    sound: new Sound(document.querySelector("[data-sound]")),
  });
  const sweeps = new Sweeps();
  const strips = new Map(); // place -> canvas that takes whichever ECG comes
  const lying = new Map();
  let stale = false;
  let ticked = 0;

  for (const canvas of document.querySelectorAll("canvas[data-kind]")) {
    const place = canvas.closest("[data-place]").dataset.place;
    const scale = canvas.closest(".wave")?.querySelector("[data-scale]") ?? null;
    const sweep = new Sweep(canvas, canvas.dataset.kind, { scale });
    if (canvas.dataset.wave) sweeps.add(`${place} ${canvas.dataset.wave}`, sweep);
    else strips.set(place, sweep);
  }

  const live = new Live(topics, {
    numbers: (places, now) => {
      numbers.update(places);
      numbers.tick(now, stale);
    },
    waves: (runs) => {
      for (const run of runs) {
        const key = `${run.place} ${run.channel}`;
        if (!sweeps.get(key) && strips.has(run.place)) {
          sweeps.add(key, strips.get(run.place));
          strips.delete(run.place);
        }
        sweeps.push(run);
      }
    },
    alarms: (list, topic) => alarms.update(list, topic),
    scores: (places) => {
      for (const [place, score] of Object.entries(places)) showScore(place, score);
    },
    who: (places) => {
      let changed = false;
      for (const [place, patient] of Object.entries(places)) {
        if (lying.has(place) && lying.get(place) !== patient) changed = true;
        lying.set(place, patient);
      }
      if (changed) setTimeout(() => location.reload(), 300 + Math.random() * 700);
    },
    beat: () => {
      if (!beat) return;
      beat.dataset.state = "live";
      beat.classList.toggle("tock");
    },
    state: (state) => {
      stale = state === "stale" || state === "ended";
      document.documentElement.classList.toggle("stream-lost", stale);
      if (beat) beat.dataset.state = stale ? "lost" : "live";
      if (!banner) return;
      banner.hidden = !stale;
      put(banner, state === "ended" ? banner.dataset.ended : stale ? banner.dataset.text : "");
    },
    tick: (now, silence) => {
      if (performance.now() - ticked < 950 && !stale) return;
      ticked = performance.now();
      numbers.tick(now, stale);
      alarms.tick(now);
      put(beatAge, live?.offset === null ? "" : age(silence));
    },
  });
  return { live, numbers, alarms, sweeps, ...extra };
}

function showScore(place, score) {
  for (const badge of document.querySelectorAll(`[data-place="${CSS.escape(place)}"] [data-score]`)) {
    put(badge.querySelector("[data-score-total]"), score.total === null ? "--" : String(score.total));
    badge.className = badge.className.replace(/score-(low|single|medium|high|none)\b/, `score-${score.band || "none"}`);
    const line = badge.querySelector("polyline");
    if (line && score.trend.length > 1) {
      const [first, last] = [score.trend[0][0], score.trend[score.trend.length - 1][0]];
      const span = Math.max(last - first, 1);
      line.setAttribute("points", score.trend.map(([t, total]) => `${(1 + ((t - first) / span) * 42).toFixed(1)},${(14.5 - (Math.min(total, 12) / 12) * 13).toFixed(1)}`).join(" "));
    }
  }
}
