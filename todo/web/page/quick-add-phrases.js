// The dates, times and recurrences of quick add as people write them (docs/reference/quick-add.md). A phrase is in lower
// case, with single spaces and no commas. A day is a number: of days since 1970-01-01. Months and weekdays count from 0.
// A number is NaN where a phrase has the form of one that does not exist or cannot be due: 30 February, 13pm, last year.

/**
 * `weekday` and `date` are set when the text says no more than that: "monday", "on the 15th".
 * @typedef {{ kind: "day", day: number, weekday?: number, date?: number }} Day
 *
 * `minute` is of the day. With `needsDay` it is a time only beside a date or a recurrence.
 * @typedef {{ kind: "clock", minute: number, needsDay: boolean }} Clock
 *
 * `date` is of each month; `annual` the first day of a yearly one, as in the year 2000.
 * @typedef {{ kind: "recurrence", frequency: string, interval: number, fromCompletion: boolean, weekdays?: number[],
 *   date?: number, annual?: number }} Recurrence
 */

export const MINUTE = 60_000 // milliseconds
export const DAY = 1440 * MINUTE
/** The days that can be due. */
export const [FIRST_DAY, LAST_DAY] = [Date.UTC(1900, 0, 1) / DAY, Date.UTC(2200, 11, 31) / DAY]

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
const COUNTS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
const FREQUENCIES = new Map(Object.entries({ day: "daily", week: "weekly", month: "monthly", year: "yearly" }))

const COUNT = `[0-9]{1,3}|${COUNTS.join("|")}`
const ORDINAL = "[0-9]{1,2}(?:st|nd|rd|th)"
const DATE = `[0-9]{1,2}|${ORDINAL}`
const UNIT = `(?<unit>${[...FREQUENCIES.keys()].join("|")})s?`
const WEEKDAY = "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
const WEEKDAY_LIST = `(?:${WEEKDAY})(?:(?: and)? (?:${WEEKDAY})){0,6}`
const MONTH =
  "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?" +
  "|nov(?:ember)?|dec(?:ember)?"

/** @param {string[]} sources */
const whole = (...sources) => new RegExp(`^(?:${sources.join("")})$`)

export const ONE_WEEKDAY = whole(WEEKDAY)
const ON = "(?<prefix>(?:due )?(?<on>on |by )?)"
const DAY_FORM = whole(
  `${ON}(?:(?<today>today|tonight)|(?<tomorrow>tomorrow|tmrw|tmr)|(?<after>(?:the )?day after tomorrow)`,
  `|next (?<next>week|month)|in (?<count>a|${COUNT}) ${UNIT}|(?:(?<which>next|this) )?(?<weekday>${WEEKDAY})`,
  `|(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})|(?:the )?(?<date>${ORDINAL}))`,
)
const MONTH_FORM = whole(
  `${ON}(?:(?<weekday>${WEEKDAY}) )?(?:the )?`,
  `(?:(?<month>${MONTH}) (?:the )?(?<date>${DATE})|(?<date2>${DATE}) (?:of )?(?<month2>${MONTH}))`,
  "(?: (?<year>[0-9]{4}))?",
)
// The (or every) first Monday is not served, and Black Friday is a name.
const PART_OF_MORE = whole(
  `(?:every!? )?(?:${ORDINAL}|first|second|third|fourth|fifth|last|black|good|cyber|ash|easter|palm|super)`,
  ` (?:${WEEKDAY})`,
)
const CLOCK_FORM = whole(
  "(?<prefix>(?:due )?(?<at>at |by )?)(?:(?<name>noon|midnight)",
  "|(?<hour>[0-9]{1,2})(?::(?<minute>[0-9]{2}))?(?: ?(?<half>[ap])(?:m|\\.m\\.))?)",
)
const EVERY_FORM = whole(
  `(?:on |due )?every(?<completion>!?) (?:(?<workdays>weekday)|(?:(?<count>other|${COUNT}) )?`,
  `(?:${UNIT}|weeks? on (?<weekdays>${WEEKDAY_LIST})|months? on (?:the )?(?<date>${ORDINAL}))`,
  `|(?<other>other )?(?<list>${WEEKDAY_LIST})|(?<nth>${ORDINAL})|(?<annual>.+))`,
)

/** @param {string} name */
const weekdayNumber = (name) => WEEKDAYS.indexOf(name.slice(0, 2).toUpperCase())
/** What COUNT matched. @param {string} [text] */
const number = (text = "") => (COUNTS.includes(text) ? COUNTS.indexOf(text) + 1 : Number(text) || NaN)
/** "1st" or "1". @param {string} [text] */
const ordinal = (text = "") => (parseInt(text) >= 1 && parseInt(text) <= 31 ? parseInt(text) : NaN)

/** @param {number} day */
const utc = (day) => new Date(day * DAY)
/** @param {number} day */
const weekdayOf = (day) => (utc(day).getUTCDay() + 6) % 7

/** @param {number} year @param {number} month @param {number} date */
function dayOf(year, month, date) {
  const day = Date.UTC(year, month, date) / DAY
  return utc(day).getUTCFullYear() === year && utc(day).getUTCMonth() === month ? day : NaN
}

/** The same day of a later month, or that month's last day if it is shorter. @param {number} day @param {number} months */
function monthsLater(day, months) {
  const [year, month, date] = [utc(day).getUTCFullYear(), utc(day).getUTCMonth() + months, utc(day).getUTCDate()]
  return Math.min(Date.UTC(year, month, date), Date.UTC(year, month + 1, 0)) / DAY
}

/** The first day from `earliest` on that is one of the weekdays. @param {number} earliest @param {number[]} weekdays */
const nextWeekday = (earliest, weekdays) =>
  earliest + Math.min(...weekdays.map((weekday) => (weekday - weekdayOf(earliest) + 7) % 7))

/**
 * The first day from `earliest` on with this number in its month: any one, or of a year the one with number `month`.
 * @param {number} earliest @param {number} date @param {number} [month]
 */
function nextDate(earliest, date, month) {
  if (Number.isNaN(date)) return NaN
  for (let later = month ?? 0; ; later += month === undefined ? 1 : 12) {
    const day = Date.UTC(utc(earliest).getUTCFullYear(), later, date) / DAY
    if (day >= earliest && utc(day).getUTCDate() === date) return day
  }
}

/** The day of the year 2000, a leap year. @param {Record<string, string>} match of MONTH_FORM */
const dayOf2000 = ({ month, month2, date, date2 }) =>
  dayOf(2000, MONTHS.indexOf(`${month ?? month2}`.slice(0, 3)), ordinal(date ?? date2))

/** @param {string} phrase @param {number} today @returns {Omit<Day, "kind"> | null} */
function dayNamed(phrase, today) {
  if (PART_OF_MORE.test(phrase)) return { day: NaN }
  let match = MONTH_FORM.exec(phrase)?.groups
  if (match) {
    const annual = dayOf2000(match)
    const [month, date] = [utc(annual).getUTCMonth(), utc(annual).getUTCDate()]
    const day = match.year ? dayOf(Number(match.year), month, date) : nextDate(today, date, month)
    return { day: match.weekday && weekdayNumber(match.weekday) !== weekdayOf(day) ? NaN : day }
  }
  match = DAY_FORM.exec(phrase)?.groups
  if (!match) return null
  const { prefix, on, which, unit } = match
  if (match.year) return { day: dayOf(Number(match.year), Number(match.month) - 1, Number(match.day)) }
  if (match.date) {
    const date = ordinal(match.date)
    return prefix || Number.isNaN(date) ? { day: nextDate(today, date), date } : null
  }
  if (match.weekday) {
    const weekday = weekdayNumber(match.weekday)
    if (which === "next") return { day: nextWeekday(today + 1, [0]) + weekday }
    if (which === "this") return { day: nextWeekday(today, [weekday]) }
    // Words too: never a date by themselves.
    if (["wed", "sat", "sun"].includes(match.weekday) && !prefix) return null
    return { day: nextWeekday(today + 1, [weekday]), weekday }
  }
  // "on" belongs to a day that is named by the calendar; in "Log on tomorrow" it belongs to the title.
  if (on === "on ") return null
  if (match.today) return { day: today }
  if (match.tomorrow) return { day: today + 1 }
  if (match.after) return { day: today + 2 }
  if (match.next) return { day: match.next === "week" ? nextWeekday(today + 1, [0]) : nextDate(today + 1, 1) }
  if (on) return null
  const count = match.count === "a" ? 1 : number(match.count)
  if (unit === "day" || unit === "week") return { day: today + count * (unit === "week" ? 7 : 1) }
  return { day: monthsLater(today, count * (unit === "year" ? 12 : 1)) }
}

/** @param {string} phrase @param {number} today @returns {Day | null} */
function readDay(phrase, today) {
  const found = dayNamed(phrase, today)
  return found && { kind: "day", ...found, day: found.day >= today && found.day <= LAST_DAY ? found.day : NaN }
}

/** @param {string} phrase @returns {Clock | null} */
function readClock(phrase) {
  const match = CLOCK_FORM.exec(phrase)?.groups
  if (!match) return null
  const { prefix, at, name, half } = match
  const [hour, minute] = [Number(match.hour), Number(match.minute ?? 0)]
  /** @param {number} hour @returns {Clock} */
  const clock = (hour, needsDay = false) => ({ kind: "clock", minute: hour * 60 + minute, needsDay })
  const isAmbiguous = /^[1-6]$/.test(match.hour ?? "") // it may as well be in the afternoon
  if (name) return clock(name === "noon" ? 12 : 0, !prefix)
  if (half) return clock(hour >= 1 && hour <= 12 && minute <= 59 ? (hour % 12) + (half === "p" ? 12 : 0) : NaN)
  if (match.minute) {
    if (hour <= 23 && minute <= 59 && !isAmbiguous) return clock(hour)
    return prefix ? clock(NaN) : null // a score, a ratio, a verse
  }
  if (at !== "at ") return null
  if (isAmbiguous) return clock(NaN)
  return hour >= 7 && hour <= 23 ? clock(hour, hour > 12) : null
}

/** @param {string} phrase @returns {Recurrence | null} */
function readRecurrence(phrase) {
  /** @type {Recurrence} */
  const found = { kind: "recurrence", frequency: "weekly", interval: 1, fromCompletion: false }
  if (phrase === "annually") return { ...found, frequency: "yearly" }
  if ([...FREQUENCIES.values()].includes(phrase)) return { ...found, frequency: phrase }
  const match = EVERY_FORM.exec(phrase)?.groups
  if (!match) return null
  found.fromCompletion = match.completion === "!"
  if (match.count) found.interval = match.count === "other" ? 2 : number(match.count)
  if (match.other) found.interval = 2
  if (match.workdays) return { ...found, weekdays: [0, 1, 2, 3, 4] }
  const frequency = FREQUENCIES.get(match.unit ?? "")
  if (frequency) return { ...found, frequency }
  const [weekdays, date] = [match.weekdays ?? match.list, match.date ?? match.nth]
  if (weekdays) {
    const names = weekdays.split(" ").filter((name) => name !== "and")
    return { ...found, weekdays: [...new Set(names.map(weekdayNumber))].sort() }
  }
  if (date) return { ...found, frequency: "monthly", date: ordinal(date) }
  const annual = MONTH_FORM.exec(match.annual ?? "")?.groups
  if (!annual || annual.prefix || annual.weekday || annual.year) return null
  return { ...found, frequency: "yearly", annual: dayOf2000(annual) }
}

/** A word where one says it all, else an RRULE (RFC 5545 §3.3.10). @param {Recurrence} recurrence */
export function rule({ frequency, interval, weekdays, date }) {
  let parts = ""
  if (interval > 1) parts += `;INTERVAL=${interval}`
  if (weekdays) parts += `;BYDAY=${weekdays.map((weekday) => WEEKDAYS[weekday]).join()}`
  if (date) parts += `;BYMONTHDAY=${date}`
  return parts ? `FREQ=${frequency.toUpperCase()}${parts}` : frequency
}

/** The first day from `earliest` on that fits. @param {Recurrence} recurrence @param {number} earliest */
export function first({ weekdays, date, annual }, earliest) {
  if (weekdays) return nextWeekday(earliest, weekdays)
  if (date) return nextDate(earliest, date)
  return annual === undefined ? earliest : nextDate(earliest, utc(annual).getUTCDate(), utc(annual).getUTCMonth())
}

/**
 * The two as one, if the recurrence says no day and the date nothing else: "weekly" and "monday"; else null.
 * @param {Recurrence} recurrence @param {Day} day
 */
export function together(recurrence, { weekday, date }) {
  if (recurrence.weekdays || recurrence.date) return null
  if (recurrence.frequency === "weekly" && weekday !== undefined) return { ...recurrence, weekdays: [weekday] }
  if (recurrence.frequency === "monthly" && date !== undefined) return { ...recurrence, date }
  return null
}

/** What a whole phrase means, if anything. @param {string} phrase @param {number} today */
export const read = (phrase, today) => readRecurrence(phrase) ?? readDay(phrase, today) ?? readClock(phrase)

/** Whether it has a form and means nothing. @param {object} meaning */
export const isImpossible = (meaning) => Object.values(meaning).includes(NaN)
