// Numbers on the screen: text is set only where it changed, each value greys at its own age.

export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

export const put = (element, text) => {
  if (element && element.textContent !== text) element.textContent = text;
};

const INVALID = 1 | 4 | 8;
const DOUBTFUL = 2;

class Cell {
  constructor(element) {
    this.element = element;
    this.text = element.querySelector("[data-text]");
    this.extra = element.querySelector("[data-extra]");
    this.age = element.querySelector("[data-age]");
    this.name = element.querySelector("[data-name]");
    this.received = Number(element.dataset.received || 0);
    this.time = Number(element.dataset.time || 0);
    this.limit = Number(element.dataset.stale || 10) * 1000;
    this.always = element.dataset.aged === "always";
  }

  set(text, extra, received, time, quality, name, limit) {
    if (received < this.received) return;
    this.received = received;
    this.time = time || received;
    if (limit) this.limit = limit * 1000;
    put(this.text, quality & INVALID ? "--" : text || "--");
    put(this.extra, extra ? `(${extra})` : "");
    if (name) put(this.name, name);
    this.element.dataset.received = received;
    this.element.classList.toggle("is-doubtful", Boolean(quality & DOUBTFUL));
  }

  tick(now, stale) {
    const old = now - this.received;
    const missing = !this.received;
    const grey = missing || stale || old > this.limit;
    this.element.classList.toggle("is-stale", grey);
    if (this.age) put(this.age, !missing && (grey || this.always) ? age(now - this.time) : "");
  }
}

export class Numbers {
  constructor(root = document) {
    this.slots = new Map();
    this.channels = new Map();
    this.seen = new Map();
    for (const place of root.querySelectorAll("[data-place]")) {
      const id = place.dataset.place;
      for (const element of place.querySelectorAll("[data-slot]")) this.add(this.slots, `${id} ${element.dataset.slot}`, element);
      for (const element of place.querySelectorAll("[data-channel]")) this.add(this.channels, `${id} ${element.dataset.channel}`, element);
      const seen = place.querySelector("[data-seen]");
      if (seen) this.seen.set(id, { element: seen, place, received: Number(seen.dataset.seen || 0) });
    }
  }

  add(map, key, element) {
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(new Cell(element));
  }

  update(places) {
    for (const [place, groups] of Object.entries(places)) {
      for (const [slot, row] of Object.entries(groups.s ?? {})) {
        const [text, extra, received, time, quality, label, , stale] = row;
        for (const cell of this.slots.get(`${place} ${slot}`) ?? []) cell.set(text, extra, received, time, quality, label, stale);
      }
      for (const [channel, row] of Object.entries(groups.c ?? {})) {
        const [text, received, time, quality] = row;
        for (const cell of this.channels.get(`${place} ${channel}`) ?? []) cell.set(text, "", received, time, quality, "", 0);
      }
      if (groups.d && this.seen.has(place)) {
        const seen = this.seen.get(place);
        seen.received = Math.max(seen.received, groups.d.last);
      }
    }
  }

  tick(now, stale) {
    for (const cells of this.slots.values()) for (const cell of cells) cell.tick(now, stale);
    for (const cells of this.channels.values()) for (const cell of cells) cell.tick(now, stale);
    for (const seen of this.seen.values()) {
      put(seen.element, seen.received ? age(now - seen.received) : "--");
      seen.place.classList.toggle("is-silent", Boolean(seen.received) && (stale || now - seen.received > 15_000));
    }
  }
}
