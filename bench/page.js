// Runs in the page that is measured, before its own scripts. Times are milliseconds.
globalThis.bench = (() => {
  let measured = null
  let frames = null

  /** Call `then` after the next paint: a message that is sent in a frame arrives when that frame has been drawn. */
  const painted = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => then(performance.now())
      port2.postMessage(null)
    })

  /** Call `then` after the paint that follows the change of the document after which `holds()`. */
  const when = (holds, then) => {
    const look = () => holds() && (observer.disconnect(), painted(then))
    const observer = new MutationObserver(look)
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
  }

  const first = (selector) => new Promise((done) => when(() => document.querySelector(selector), done))

  return {
    /** When the sign-in form and the first task were painted, after the navigation. */
    shown: { form: first("input[name=email]"), tasks: first(".row") },
    /** Measure from the next event of a type to the paint of what it did. */
    arm(type, holds) {
      const began = (event, done) => when(holds, (at) => done(at - event.timeStamp))
      measured = new Promise((done) =>
        addEventListener(type, (event) => began(event, done), { capture: true, once: true }),
      )
    },
    measured: () => measured,
    /** Record the time between frames, and those in which there is no row in the middle of the window. */
    record() {
      let last = performance.now()
      const recorded = (frames = { times: [], blank: 0 })
      const frame = (now) => {
        if (frames !== recorded) return
        recorded.times.push(now - last)
        last = now
        if (document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest(".space")) recorded.blank++
        requestAnimationFrame(frame)
      }
      requestAnimationFrame(frame)
    },
    recorded() {
      const found = frames
      frames = null
      return found
    },
  }
})()
