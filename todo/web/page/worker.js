/** The service worker, which keeps the page's files. */
import { signal } from "@preact/signals"
import { ROOT } from "./requests.js"

/** Whether another version of the page has been installed than this one. */
export const updated = signal(false)

/** The address of the service worker, which Trusted Types let only this policy make. */
function address() {
  const script = `${ROOT}/sw.js`
  const types = /** @type {{trustedTypes?: import("./types").TrustedTypes}} */ (globalThis).trustedTypes
  return types ? types.createPolicy("todo", { createScriptURL: () => script }).createScriptURL(script) : script
}

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data.type === "updated" && data.version !== document.documentElement.dataset.version) updated.value = true
  })
  navigator.serviceWorker.register(address()).then((worker) => {
    document.addEventListener("visibilitychange", () => document.hidden || worker.update().catch(console.warn))
  }, console.warn)
}
