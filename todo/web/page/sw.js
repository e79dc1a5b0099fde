/// <reference lib="webworker" />
// The service worker: keeps the document and the files of one version, so that the page opens at once, network or not.

const PAGE = { root: "", version: "", assets: [""] } // filled in by the server: todo/web/document.py

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self))
const DOCUMENT = `${PAGE.root}/`
const OURS = `todo-page ${DOCUMENT} ` // how the names of our caches begin; another page of this origin has another
const CACHE = OURS + PAGE.version

worker.addEventListener("install", (event) => event.waitUntil(install()))
worker.addEventListener("activate", (event) => event.waitUntil(activate()))
worker.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request
  const { origin, pathname, search } = new URL(url)
  if (method !== "GET" || origin !== worker.location.origin || search) return
  if ((mode === "navigate" && pathname === DOCUMENT) || PAGE.assets.includes(pathname)) {
    event.respondWith(kept(pathname, event.request))
  }
})

/** Keep all of this version, or fail: then the browser tries again later, and the worker before goes on. */
async function install() {
  const document = await fetch(DOCUMENT, { cache: "no-cache", redirect: "error" })
  const text = await document.clone().text()
  if (!document.ok || !text.includes(`data-version="${PAGE.version}"`))
    throw new Error("not the document of this version")
  const cache = await caches.open(CACHE)
  await cache.addAll(PAGE.assets)
  await cache.put(DOCUMENT, document)
  await worker.skipWaiting()
}

/** Take over from the worker of another version, if there was one, and tell the open pages. */
async function activate() {
  const older = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE)
  await Promise.all(older.map((name) => caches.delete(name)))
  await worker.clients.claim()
  if (older.length === 0) return
  for (const client of await worker.clients.matchAll({ type: "window" })) {
    client.postMessage({ type: "updated", version: PAGE.version })
  }
}

/** @param {string} path @param {Request} request */
async function kept(path, request) {
  return (await caches.match(path, { cacheName: CACHE, ignoreVary: true })) ?? fetch(request)
}
