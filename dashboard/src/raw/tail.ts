import type { LiveEvent, Readings } from '@telltale/api/contract'

type LiveReading = Extract<LiveEvent, { type: 'reading' }>['data']
type Values = LiveReading['values']

export type Message = {
  kind: 'message'
  key: number
  /** By the device's clock, or stamped when it came. */
  time: number
  /** When this page was told; null where that is not when it arrived. */
  arrivedAt: number | null
  json: string
}
/** Not a message: a word about what is not there. */
type Mark = { kind: 'mark'; key: number; words: string }
export type Row = Message | Mark

/** Bounds of what is kept; the oldest goes first. */
export const rowsMax = 500
const charsMax = 4_000_000
/** As many as are read from the store, so that the page does not begin empty. */
export const storedMax = 100
/** Four redraws a second are as live as eyes are. */
const flushMs = 250

/** What a device said, oldest first. */
export class Tail {
  private readonly listeners = new Set<() => void>()
  private rows: readonly Row[] = []
  private waiting: Row[] = []
  private nextKey = 1
  private heard = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size > 0) return
      clearTimeout(this.timer)
      this.timer = undefined
    }
  }

  /** The same array until something is added. */
  readonly getRows = (): readonly Row[] => this.rows

  /** Messages heard since the start, those that are gone again included. */
  get count(): number {
    return this.heard
  }

  add({ time, values }: LiveReading, arrivedAt: number | null): void {
    this.heard += 1
    this.push({ kind: 'message', key: this.nextKey++, time, arrivedAt, json: toLine(time, values) })
  }

  mark(words: string): void {
    this.push({ kind: 'mark', key: this.nextKey++, words })
  }

  /** What was stored before goes to the front. What was heard meanwhile may be in it, too. */
  load(readings: Readings): void {
    this.flush()
    const heard = new Set(this.rows.flatMap((row) => (row.kind === 'message' ? [row.time] : [])))
    const stored = storedMessages(readings)
      .filter(({ time }) => !heard.has(time))
      .map(({ time, values }): Row => {
        return { kind: 'message', key: this.nextKey++, time, arrivedAt: null, json: toLine(time, values) }
      })
    this.show([...stored, ...this.rows])
  }

  clear(): void {
    this.waiting = []
    this.show([])
  }

  private push(row: Row): void {
    this.waiting.push(row)
    if (this.waiting.length >= rowsMax) this.flush()
    else if (this.listeners.size > 0) this.timer ??= setTimeout(() => this.flush(), flushMs)
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.waiting.length > 0) this.show([...this.rows, ...this.waiting.splice(0)])
  }

  private show(rows: readonly Row[]): void {
    this.rows = newest(rows)
    for (const listener of this.listeners) listener()
  }
}

function newest(rows: readonly Row[]): readonly Row[] {
  let chars = 0
  let first = rows.length
  while (first > 0 && rows.length - first < rowsMax) {
    const row = rows[first - 1]
    chars += row?.kind === 'message' ? row.json.length : 0
    if (chars > charsMax && first < rows.length) break
    first -= 1
  }
  return first === 0 ? rows : rows.slice(first)
}

/** The form in which the platform hands a message on. */
function toLine(ts: number, values: Values): string {
  return JSON.stringify({ ts, values })
}

type Stored = { time: number; values: Values }

/** Readings of one time were one message. Where one series is cut off, older messages would be shown in part. */
export function storedMessages({ series }: Readings): Stored[] {
  const byTime = new Map<number, Map<string, Values[string]>>()
  let wholeFrom = Number.NEGATIVE_INFINITY
  for (const [metric, columns] of Object.entries(series)) {
    if (!('value' in columns)) continue
    if (columns.t.length >= storedMax) wholeFrom = Math.max(wholeFrom, columns.t[0] ?? 0)
    for (const [index, time] of columns.t.entries()) {
      const value = columns.value[index]
      if (value === undefined) continue
      const values = byTime.get(time) ?? new Map<string, Values[string]>()
      byTime.set(time, values.set(metric, value))
    }
  }
  return [...byTime]
    .filter(([time]) => time >= wholeFrom)
    .sort(([a], [b]) => a - b)
    .slice(-storedMax)
    .map(([time, values]) => ({ time, values: Object.fromEntries(values) }))
}

/** Every word of the filter in the line: a metric, a value, or a part of either. */
export function filtered(rows: readonly Row[], filter: string): readonly Row[] {
  const words = filter.trim().toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return rows
  return rows.filter((row) => {
    if (row.kind === 'mark') return true
    const line = row.json.toLowerCase()
    return words.every((word) => line.includes(word))
  })
}
