// Alarms on the screen: lists per bed, marks on numbers, words for screen readers, and the event for sound.

import { age, put } from "./numbers.js";

const RANK = { high: 0, medium: 1, low: 2, info: 3 };
export const byUrgency = (a, b) =>
  Boolean(a.acknowledged) - Boolean(b.acknowledged) || RANK[a.priority] - RANK[b.priority] || b.since - a.since;

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};

export function alarmElement(alarm, words) {
  const done = alarm.acknowledged ? " is-acknowledged" : "";
  const line = make("span", `alarm alarm-${alarm.priority}${done}${alarm.state === "latched" ? " is-latched" : ""}`);
  const mark = make("b", "alarm-mark", alarm.mark);
  mark.setAttribute("aria-hidden", "true");
  line.append(mark, make("span", "visually-hidden", `${alarm.priority} ${words.priority ?? "priority"}: `), make("span", "alarm-text", alarm.text));
  if (alarm.value) {
    const value = make("span", "alarm-value", ` ${alarm.value}`);
    if (alarm.limit) value.append(" ", make("span", "alarm-limit", alarm.limit));
    line.append(value);
  }
  return line;
}

export class Alarms {
  constructor({ announcer, sound }) {
    this.announcer = announcer;
    this.sound = sound;
    this.known = new Map(); // topic -> Map(id -> alarm)
    this.lists = [...document.querySelectorAll("[data-alarms]")];
    this.first = true;
  }

  update(alarms, topic) {
    const before = this.known.get(topic);
    const now = new Map(alarms.map((alarm) => [alarm.id, alarm]));
    this.known.set(topic, now);
    for (const list of this.lists) {
      const place = list.closest("[data-place]")?.dataset.place;
      if (place === undefined) continue;
      const mine = alarms.filter((alarm) => alarm.place === place).sort(byUrgency);
      if (topic === `bed/${place}` || topic.startsWith("ward/")) this.show(list, mine, topic);
    }
    if (before) {
      const fresh = alarms.filter((a) => !a.acknowledged && (!before.has(a.id) || RANK[a.priority] < RANK[before.get(a.id).priority]));
      if (fresh.length) this.announce(fresh.sort(byUrgency));
    }
    this.sound?.set(loudest([...now.values()]));
  }

  announce(alarms) {
    if (!this.announcer) return;
    const bed = this.announcer.dataset.bed ?? "";
    this.announcer.textContent = alarms
      .slice(0, 3)
      .map((a) => `${bed}${bed ? " " : ""}${a.bed}: ${a.priority}: ${a.text} ${a.value}`)
      .join(". ");
  }

  show(list, alarms, topic) {
    const place = list.closest("[data-place]");
    const words = list.dataset;
    const limit = Number(words.limit || 99);
    const key = JSON.stringify(alarms.map((a) => [a.id, a.priority, a.text, a.value, a.state, a.acknowledged]));
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(...alarms.slice(0, limit).map((alarm) => this.item(alarm, words, limit < 99)));
    if (alarms.length > limit) list.append(make("li", "more-alarms", `+${alarms.length - limit}`));
    if (!alarms.length && words.none) list.append(make("li", "soft", words.none));
    const worst = alarms.find((alarm) => !alarm.acknowledged);
    place.dataset.priority = worst ? worst.priority : "";
    for (const cell of place.querySelectorAll("[data-slot]")) {
      const hit = alarms.filter((a) => a.slot && fits(cell.dataset.slot, a.slot)).sort(byUrgency)[0];
      cell.dataset.alarm = hit ? hit.priority : "";
    }
    void topic;
  }

  item(alarm, words, brief) {
    const item = make("li", "alarm-item");
    item.append(alarmElement(alarm, words));
    if (brief) return item;
    const since = make("span", "alarm-since");
    since.dataset.since = alarm.since;
    item.append(since, make("span", "alarm-device soft", alarm.device));
    if (alarm.acknowledged) {
      item.append(make("span", "soft", `${words.acknowledged ?? ""} ${alarm.by}`));
    } else if (words.acknowledge) {
      const button = make("button", "button small ack", words.acknowledge);
      button.type = "button";
      button.dataset.acknowledge = alarm.id;
      button.setAttribute("aria-label", `${words.acknowledge}: ${alarm.text}`);
      item.append(button);
    }
    return item;
  }

  tick(now) {
    for (const element of document.querySelectorAll("[data-since]")) put(element, age(now - Number(element.dataset.since)));
  }
}

const fits = (cell, slot) => cell === slot || (cell === "bp" && /^(abp|nibp)-/.test(slot));

const loudest = (alarms) =>
  alarms.filter((a) => !a.acknowledged && a.priority !== "info").sort(byUrgency)[0]?.priority ?? "";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-acknowledge]");
  if (!button) return;
  button.disabled = true;
  const answer = await fetch(`/alarms/${encodeURIComponent(button.dataset.acknowledge)}/acknowledge`, {
    method: "POST",
    headers: { "x-csrf-token": document.body.dataset.csrf },
  }).catch(() => null);
  if (!answer?.ok) button.disabled = false;
});
