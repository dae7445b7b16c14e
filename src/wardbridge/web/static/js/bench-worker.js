// The service worker of the bench: opens the page and its files without a network, and keeps nothing else.
// The server puts VERSION (a digest of every file) and FILES before this text.

const SHELL = "/equipment/bench";
const NAME = `bench-${VERSION}`;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(begin()));
self.addEventListener("message", (event) => event.data === "take over" && self.skipWaiting());

async function fill() {
  const cache = await caches.open(NAME);
  await Promise.all(FILES.map(async (url) => {
    const answer = await fetch(url, { cache: "no-cache", credentials: "same-origin" });
    // A page to sign in is not the bench: better no new version than a wrong one.
    if (!answer.ok || answer.redirected) throw new Error(`${url}: ${answer.status}`);
    await cache.put(new URL(url, location.origin).pathname, answer);
  }));
}

async function begin() {
  for (const name of await caches.keys()) if (name.startsWith("bench-") && name !== NAME) await caches.delete(name);
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" ? url.pathname === SHELL : url.pathname.startsWith("/static/")) {
    event.respondWith(kept(url.pathname).then((found) => found ?? fetch(request)));
  }
});

async function kept(path) {
  return (await caches.open(NAME)).match(path);
}
