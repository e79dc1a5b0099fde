/** The tasks of a view. Of a long list only the rows around what is seen are in the document. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { now } from "./dates.js"
import { html } from "./html.js"
import { Row } from "./row.js"
import { chosen, cursor, editing, more, route, sections, shown } from "./views.js"

/** @import { Props } from "./row.js" @import { VNode } from "preact" */

const SMALL = 100 // rows that are all drawn
const WINDOW = Math.max(45, Math.ceil(screen.height / 18)) // rows that are drawn of a longer list: more than two screens
const PART = 10 // rows by which the window moves
const GUESS = 54 // pixels of a row before any was measured
const ABOVE = 500 // pixels that are drawn above what is seen

export function List() {
  const [from, setFrom] = useState(0)
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const heights = useRef(/** @type {Map<string, number>} */ (new Map())).current
  const rows = useRef(/** @type {Map<string, {props: Props, node: VNode}>} */ (new Map())).current
  const ids = shown.value.map((task) => task.id)
  const long = ids.length > SMALL
  const start = long ? Math.min(from, Math.max(0, ids.length - WINDOW)) : 0
  const end = long ? start + WINDOW : ids.length
  const [guess, setGuess] = useState(GUESS) // pixels of a row that was not drawn yet: the mean of the first ones
  const height = (/** @type {string} */ id) => heights.get(id) ?? guess

  /** Measure the rows before the window moves: at each drawing it would make the browser lay them out once more. */
  const measure = () => {
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (box.current?.querySelectorAll(".row") ?? []))
      heights.set(row.dataset.id ?? "", row.offsetHeight)
    if (guess === GUESS) setGuess([...heights.values()].reduce((sum, each) => sum + each, 0) / heights.size || GUESS)
  }
  useEffect(() => {
    if (!long) return
    let asked = 0
    const look = () => {
      asked = 0
      measure()
      const lists = box.current?.querySelectorAll("ul") ?? []
      let index = 0
      sections.value.some(({ tasks }, number) => {
        let bottom = lists[number]?.getBoundingClientRect().top ?? 0
        return tasks.some((task) => (bottom += height(task.id)) > -ABOVE || (index++, false))
      })
      setFrom(Math.floor(index / PART) * PART)
    }
    const onScroll = () => (asked ||= requestAnimationFrame(look))
    onScroll()
    addEventListener("scroll", onScroll, { passive: true })
    return () => (removeEventListener("scroll", onScroll), cancelAnimationFrame(asked))
  }, [shown.value, long, guess])
  const at = cursor.value ? ids.indexOf(cursor.value) : -1
  useLayoutEffect(() => {
    if (!long || at < 0 || (at >= start && at < end)) return
    measure()
    setFrom(Math.max(0, Math.floor((at - WINDOW / 2) / PART) * PART))
  }, [cursor.value])

  /** The row of a task: the same object while nothing of it has changed, which Preact then passes over. @param {Props} props */
  const row = (props) => {
    if (rows.size > 500) rows.clear()
    const known = rows.get(props.task.id)
    if (
      known &&
      Object.entries(props).every(([name, value]) => known.props[/** @type {keyof Props} */ (name)] === value)
    )
      return known.node
    const node = html`<${Row} key=${props.task.id} ...${props} />`
    rows.set(props.task.id, { props, node })
    return node
  }
  const name = route.value.name
  const day = now.value.slice(0, name === "today" ? 16 : 10)
  let index = 0
  return html`<div ref=${box} class="lists">
    ${sections.value.map(({ title, tasks }) => {
      const first = index
      index += tasks.length
      const [low, high] = [
        Math.min(Math.max(start - first, 0), tasks.length),
        Math.min(Math.max(end - first, 0), tasks.length),
      ]
      const space = (/** @type {number} */ a, /** @type {number} */ b) => {
        const pixels = tasks.slice(a, b).reduce((sum, task) => sum + height(task.id), 0)
        return pixels > 0 && html`<li class="space" aria-hidden="true" style=${{ height: `${pixels}px` }}></li>`
      }
      return html`<section key=${title} aria-label=${title || null}>
        ${title && html`<h3 class=${title === "Overdue" ? "late" : ""}>${title}</h3>`}
        <ul>
          ${space(0, low)}
          ${tasks.slice(low, high).map((task) =>
            row({
              task,
              current: cursor.value === task.id,
              picked: chosen.value.has(task.id),
              choosing: chosen.value.size > 0 && name !== "trash",
              edited: editing.value === task.id,
              opened: more.value === task.id,
              ordered: name === "inbox",
              trashed: name === "trash",
              day, // so that words such as “Today” are drawn anew
            }),
          )}
          ${space(high, tasks.length)}
        </ul>
      </section>`
    })}
  </div>`
}
