// Quick add: a task read from one line of text, exactly as the server reads it (todo/tasks/quick_add). Pure: the caller
// passes the person's own clock. The rules: docs/reference/quick-add.md.

import * as phrases from "./quick-add-phrases.js"

/** @import { Clock, Day, Recurrence } from "./quick-add-phrases.js" */

/**
 * The fields of a task, the pieces of the text that they were read from, and where the first of them begins.
 * @typedef {object} QuickAdd
 * @property {string} title
 * @property {string | null} due_date a day or a local time: "2027-03-01", "2027-03-01T09:00"
 * @property {string | null} priority
 * @property {string[]} tags
 * @property {string | null} recurrence a word or an RRULE
 * @property {"completion" | null} recurrence_from
 * @property {string[]} recognised
 * @property {number} start index in the text; its length if nothing was recognised
 *
 * `text` is without a backslash before it and a comma after it, `read` in lower case too.
 * @typedef {{ start: number, end: number, text: string, read: string, escaped: boolean }} Word
 *
 * @typedef {Day | Clock | Recurrence | { kind: "tag", name: string } | { kind: "priority", name: string }} Meaning
 *
 * What the words from number `first` up to `end` mean.
 * @typedef {{ first: number, end: number, meaning: Meaning }} Token
 */

const { DAY, MINUTE, FIRST_DAY, LAST_DAY } = phrases
const TEXT_LENGTH = 1000
const TITLE_LENGTH = 255
const MAX_TAGS = 20
const MAX_MARKS = 30
const LONGEST_PHRASE = 10 // words
const LONGEST_WORD = 10 // of a phrase, in characters: "2027-03-01"

/** White space as Python's `str.split` has it. */
const WORDS = /[^\p{White_Space}\x1c-\x1f]+/gu
/** With a letter in it. Marks belong to letters: the vowels of Hindi and Thai. */
const TAG = /^#(?=.*\p{L})([\p{L}\p{M}\p{Nd}\-_/]{1,50})$/u
const PRIORITIES = new Map([
  ...Object.entries({ "!urgent": "urgent", "!high": "high", "!medium": "medium", "!med": "medium", "!low": "low" }),
  ...Object.entries({ "!1": "urgent", "!2": "high", "!3": "medium", "!4": "low" }),
])
/** Words that belong to what follows them: a token after one of these stays in the title, as in "from 3pm to 5pm". */
const BINDING = new Set(
  (
    "a an the my our your his her its their and or & + - – — / to from between until till through thru before after " +
    "since than of for with within without per vs via about around except no not every every! each last past previous " +
    "by at due is are was were be times twice thrice"
  ).split(" "),
)

/** The clock of this device, as `now` is wanted: "2027-03-01T09:00:00.000". */
export const clock = (date = new Date()) =>
  new Date(date.getTime() - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, -1)

/**
 * The task that a line of text describes. Never throws: what is not understood stays in the title.
 * @param {string} text in NFC
 * @param {string} now the date and time on the person's own clock: "2027-03-01T09:00", with seconds or without
 * @returns {QuickAdd}
 */
export function parse(text, now) {
  const moment = Date.parse(`${now}Z`) // the clock's reading, as if it were in UTC
  const today = Math.floor(moment / DAY)
  const words = wordsOf(text)
  const { tokens, escaped } = tokensOf(words, today)
  const end = tokens[0]?.first ?? words.length // of the title
  const title = textOf(text, words.slice(0, end), escaped)

  /** @template {Meaning["kind"]} K @param {K} kind what the one token of a kind means */
  const only = (kind) => {
    const found = tokens.find(({ meaning }) => meaning.kind === kind)
    return /** @type {Extract<Meaning, { kind: K }> | undefined} */ (found?.meaning)
  }
  const [day, time] = [only("day"), only("clock")]
  let recurrence = only("recurrence")
  const both = day && recurrence && phrases.together(recurrence, day)
  recurrence = both || recurrence
  // The date that is written; else the first that the recurrence and the time allow, from now on.
  const earliest = time && time.minute * MINUTE < moment - today * DAY ? today + 1 : today
  const due = day && !both ? day.day : recurrence ? phrases.first(recurrence, earliest) : time && earliest
  if (!title || (due !== undefined && due > LAST_DAY)) {
    const nothing = { due_date: null, priority: null, tags: [], recurrence: null, recurrence_from: null }
    return { title: textOf(text, words), ...nothing, recognised: [], start: text.length }
  }

  /** @type {Map<string, string>} the first of those that differ in case only */
  const tags = new Map()
  for (const { meaning } of tokens) {
    if (meaning.kind === "tag" && !tags.has(folded(meaning.name))) tags.set(folded(meaning.name), meaning.name)
  }
  const due_date = due === undefined ? null : new Date(due * DAY + (time?.minute ?? 0) * MINUTE).toISOString()
  return {
    title,
    due_date: due_date && due_date.slice(0, time ? "2027-03-01T09:00".length : "2027-03-01".length),
    priority: only("priority")?.name ?? null,
    tags: [...tags.values()],
    recurrence: recurrence ? phrases.rule(recurrence) : null,
    recurrence_from: recurrence?.fromCompletion ? "completion" : null,
    recognised: tokens.map((token) => {
      const piece = text.slice(words[token.first]?.start, words[token.end - 1]?.end)
      return token.end === words.length ? piece : piece.replace(/,$/, "")
    }),
    start: words[end]?.start ?? text.length,
  }
}

/**
 * When a task is due and how it repeats, as one edits it: "tomorrow 9am", "sat", "every 2 weeks"; null for no text,
 * undefined for one that says anything else.
 * @param {string} text
 * @param {string} now as of `parse`
 */
export function parseDue(text, now) {
  if (!text.trim()) return null
  // After "due" the words of doubt are dates and times: "sat", "noon".
  for (const lead of ["x ", "x due "]) {
    const { title, due_date, recurrence, recurrence_from, priority, tags } = parse(lead + text, now)
    if (title === "x" && !priority && !tags.length) return { due_date, recurrence, recurrence_from }
  }
  return undefined
}

/**
 * The body of `POST …/tasks` that makes the task which `POST …/tasks/quick` would make of the text.
 * @param {string} text
 * @param {string} now as of `parse`
 * @param {string | null} timeZone of the person: a name of the IANA database
 * @throws {RangeError} that says what is wrong with a text that the server would refuse
 */
export function taskFrom(text, now, timeZone) {
  const [line = ""] = text.normalize("NFC").match(/\P{White_Space}(?:.*\P{White_Space})?/su) ?? []
  if (!line) throw new RangeError("There is no text.")
  if (/[\p{Cc}\p{Cs}]/u.test(line)) throw new RangeError("There is a control character, such as a tab or a new line.")
  const marks = Array.from(`${text} ${line}`, (char) => (isMark(char) ? "m" : " ")).join("")
  if (marks.includes("m".repeat(MAX_MARKS + 1))) throw new RangeError("There are too many combining marks in a row.")
  if ([...line].length > TEXT_LENGTH) throw new RangeError(`The text is longer than ${TEXT_LENGTH} characters.`)
  const { title, due_date, priority, tags, recurrence, recurrence_from } = parse(line, now)
  if ([...title].length > TITLE_LENGTH) throw new RangeError(`The title is longer than ${TITLE_LENGTH} characters.`)
  const time_zone = timeZoneOf({ due_date, recurrence }, timeZone)
  return { title, due_date, time_zone, priority, tags, recurrence, recurrence_from }
}

/**
 * The `time_zone` of a task: the person's where there is a time or a repetition, else null.
 * @param {Pick<QuickAdd, "due_date" | "recurrence">} task @param {string | null} timeZone
 */
export const timeZoneOf = ({ due_date, recurrence }, timeZone) =>
  recurrence !== null || due_date?.includes("T") ? timeZone : null

/** Without case, each character by itself, as `folded` in todo/values.py has it. @param {string} text */
const folded = (text) => Array.from(text, (char) => (char === "\u0130" ? "i" : char.toLowerCase())).join("")

/** Whether it is a combining mark, which canonical order puts before U+0345, the last of all. @param {string} char */
const isMark = (char) => char === "\u0345" || !`\u0345${char}`.normalize("NFD").startsWith("\u0345")

/** @param {string} text @returns {Word[]} */
const wordsOf = (text) =>
  [...text.matchAll(WORDS)].map(({ 0: word, index }, number, { length }) => {
    const bare = word.replace(/^\\/, "")
    const kept = number < length - 1 ? bare.replace(/,$/, "") : bare
    return { start: index, end: index + word.length, text: kept, read: kept.toLowerCase(), escaped: bare !== word }
  })

/**
 * From the first of the words to the last as it is written, without the backslashes of an escaped token.
 * @param {string} text @param {Word[]} words @param {Token | null} [escaped]
 */
function textOf(text, words, escaped) {
  let [kept, from] = ["", words[0]?.start ?? 0]
  for (const word of escaped ? words.slice(escaped.first, escaped.end) : []) {
    if (word.escaped) [kept, from] = [kept + text.slice(from, word.start), word.start + 1]
  }
  return kept + text.slice(from, words.at(-1)?.end ?? 0)
}

/** In lower case; beside the line there is none. @param {Word[]} words @param {number} number */
const wordAt = (words, number) => words[number]?.read ?? ""

/** @param {Token} token */
const isSign = ({ meaning }) => meaning.kind === "tag" || meaning.kind === "priority"

/** What comes before the first that is so. @param {Token[]} run @param {(token: Token) => boolean} test */
const before = (run, test) => (run.some(test) ? run.slice(0, run.findIndex(test)) : run)

/**
 * The tokens at the end of the line in their order, and the escaped token before them. The first word from the end that
 * is part of none ends the search.
 * @param {Word[]} words @param {number} today
 */
function tokensOf(words, today) {
  /** @type {Token[]} */
  let run = [] // from the end of the line on
  let escaped = null
  let [isKnown, end] = [true, today >= FIRST_DAY && today <= LAST_DAY ? words.length : 0]
  const [kinds, tags] = [new Set(), new Set()]
  for (let token; (token = tokenBefore(words, end, today)); end = token.first) {
    const { meaning } = token
    if (words.slice(token.first, end).some((word) => word.escaped)) escaped = token
    if (escaped || kinds.has(meaning.kind)) break
    if (phrases.isImpossible(meaning) || BINDING.has(wordAt(words, token.first - 1))) {
      isKnown = isSign(token)
      break
    }
    if (meaning.kind === "tag") tags.add(folded(meaning.name))
    else kinds.add(meaning.kind)
    if (tags.size > MAX_TAGS) break
    run.push(token)
  }
  // A weekday before one that was read, as in "Gym mon wed fri": half of a list would be read.
  const last = run.at(-1)
  const isWeekday = (/** @type {number} */ number) => phrases.ONE_WEEKDAY.test(wordAt(words, number))
  if (last?.meaning.kind === "day" && isWeekday(end - 1) && isWeekday(last.first)) isKnown = false
  // Of a date that is not understood, the time is not either: "30 Feb 9am".
  if (!isKnown) run = before(run, (token) => !isSign(token))
  if (!kinds.has("day") && !kinds.has("recurrence")) {
    run = before(run, ({ meaning }) => meaning.kind === "clock" && meaning.needsDay)
  }
  return { tokens: run.reverse(), escaped }
}

/**
 * The token that ends with the word before number `end`: the longest phrase that means something.
 * @param {Word[]} words @param {number} end @param {number} today @returns {Token | null}
 */
function tokenBefore(words, end, today) {
  const word = words[end - 1]
  if (!word) return null
  const [priority, tag] = [PRIORITIES.get(word.read), TAG.exec(word.text)?.[1]]
  if (priority) return { first: end - 1, end, meaning: { kind: "priority", name: priority } }
  if (tag) return { first: end - 1, end, meaning: { kind: "tag", name: tag } }
  let first = end
  while (first > Math.max(0, end - LONGEST_PHRASE) && wordAt(words, first - 1).length <= LONGEST_WORD) first--
  let bound = null
  for (; first < end; first++) {
    const phrase = words.slice(first, end).map((word) => word.read)
    const meaning = phrases.read(phrase.join(" "), today)
    if (!meaning) continue
    if (!["every", "every!"].includes(wordAt(words, first - 1))) return { first, end, meaning }
    bound ??= { first, end, meaning } // but of "every monday 1 march" the date is "1 march"
  }
  return bound
}
