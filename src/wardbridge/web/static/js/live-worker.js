// The SharedWorker: one stream for all tabs of a browser. Every tab names its topics; the stream asks for
// their union. A tab that signed in anew brings another key: then the old stream ends, so that what one
// person may see never reaches another's page.

import { Stream } from "./stream.js";

const SILENT_MS = 150_000;
const pages = new Map(); // port -> { topics, seen, key }
let stream = null;
let key = "";

const tellAll = (message) => {
  for (const [port, page] of pages) if (page.key === key) port.postMessage(message);
};

function ask(fresh = []) {
  const topics = new Set();
  for (const page of pages.values()) if (page.key === key) page.topics.forEach((topic) => topics.add(topic));
  if (!topics.size) {
    stream?.close();
    stream = null;
    return;
  }
  stream ??= new Stream(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`, {
    frame: (data) => tellAll({ frame: data }),
    state: (state) => {
      if (state === "ended") stream = null;
      tellAll({ state });
    },
  });
  stream.subscribe([...topics].sort(), fresh);
}

self.onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.bye) {
      pages.delete(port);
      ask();
    } else if (data.topics) {
      if (data.key !== key) {
        tellAll({ state: "ended" });
        stream?.close();
        stream = null;
        key = data.key;
      }
      pages.set(port, { topics: data.topics, seen: Date.now(), key: data.key });
      ask(data.topics);
    } else if (data.here && pages.has(port)) {
      pages.get(port).seen = Date.now();
    }
  };
  port.start();
};

setInterval(() => {
  const before = pages.size;
  for (const [port, page] of pages) if (Date.now() - page.seen > SILENT_MS) pages.delete(port);
  if (pages.size !== before) ask();
}, 30_000);
