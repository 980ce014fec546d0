import type { Readings } from '@telltale/api/contract'
import type { TimeRange } from '../charts/time-range.ts'
import { mergeReadings } from './merge.ts'
import { fromReadings, type LiveReading, type Picture } from './series.ts'

/** Four redraws a second are as live as eyes are; a thousand would only heat the room. */
const flushMs = 250
/** In a wide window a reading moves nothing by as much as a pixel. */
const flushWideMs = 1_000
const wideMs = 3_600_000
const recentMs = 30_000
const recentMax = 5_000

type Arrived = { reading: LiveReading; arrivedAt: number }
const toReading = ({ reading }: Arrived) => reading

export type TelemetryOptions = {
  range: TimeRange
  /** Absent: all of the device. */
  metrics?: readonly string[] | undefined
  /** The server's clock. */
  now: () => number
}

/**
 * Joins history and live readings of one device and range.
 * Readings that arrive while the history is on its way are kept and merged into it, so there is no seam.
 */
export class Telemetry {
  private readonly options: TelemetryOptions
  private wanted: ReadonlySet<string> | null
  private readonly listeners = new Set<() => void>()
  private picture: Picture | null = null
  private waiting: LiveReading[] = []
  private recent: Arrived[] = []
  private timer: ReturnType<typeof setTimeout> | undefined
  private held = false

  constructor(options: TelemetryOptions) {
    this.options = options
    this.wanted = options.metrics === undefined ? null : new Set(options.metrics)
  }

  /** From now on. */
  want(metrics: readonly string[]): void {
    this.wanted = new Set(metrics)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size > 0) return
      clearTimeout(this.timer)
      this.timer = undefined
    }
  }

  readonly getPicture = (): Picture | null => this.picture

  /**
   * `readAt` is when the history was read, on the server's clock; it ends later, because a device's clock may be ahead.
   * What arrived before that is in it, up to its end. What arrives later may be, when it was measured before.
   */
  load(readings: Readings, readAt: number): void {
    const arrived = (this.picture?.arrived ?? 0) + this.waiting.length
    this.waiting = []
    const recent = this.recentReadings(readings.to)
    const before = recent.filter(({ arrivedAt }) => arrivedAt < readAt)
    const since = recent.filter(({ arrivedAt }) => arrivedAt >= readAt)
    const history = mergeReadings(fromReadings(readings), before.map(toReading), this.horizon())
    const merged = mergeReadings({ ...history, historyTo: readAt }, since.map(toReading), this.horizon())
    this.show({ ...merged, arrived })
  }

  /** What lies outside a fixed range, or was not asked for, counts as arrived and is drawn nowhere. */
  add(reading: LiveReading): void {
    const wanted = this.chosen(reading)
    this.recent.push({ reading: wanted, arrivedAt: this.options.now() })
    if (this.recent.length > recentMax) this.recent.shift()
    if (this.picture === null) return
    this.waiting.push(wanted)
    if (this.waiting.length >= recentMax) this.flush()
    // Without a value left it changes no picture.
    else if (!this.held && Object.keys(wanted.values).length > 0)
      this.timer ??= setTimeout(() => this.flush(), this.flushMs())
  }

  /** A page that nobody sees is not redrawn: what comes meanwhile is drawn at once when it is looked at again. */
  hold(held: boolean): void {
    this.held = held
    if (!held && this.waiting.length > 0) this.flush()
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.picture === null) return
    this.show(mergeReadings(this.picture, this.waiting.splice(0), this.horizon()))
  }

  private chosen(reading: LiveReading): LiveReading {
    const { range } = this.options
    const isOutside = range.kind === 'fixed' && (reading.time < range.from || reading.time >= range.to)
    const { wanted } = this
    if (wanted === null && !isOutside) return reading
    const values = Object.entries(reading.values).filter(
      ([metric]) => !isOutside && wanted?.has(metric) !== false,
    )
    return { ...reading, values: Object.fromEntries(values) }
  }

  /** Those a history may not have, and those that lie beyond its end. */
  private recentReadings(historyTo: number): Arrived[] {
    const since = this.options.now() - recentMs
    this.recent = this.recent.filter(
      ({ reading, arrivedAt }) => arrivedAt >= since || reading.time >= historyTo,
    )
    return this.recent
  }

  private flushMs(): number {
    const { range } = this.options
    const isWide = (range.kind === 'live' ? range.windowMs : range.to - range.from) > wideMs
    return isWide ? flushWideMs : flushMs
  }

  private horizon(): number {
    const { range, now } = this.options
    return range.kind === 'live' ? now() - range.windowMs : range.from
  }

  private show(picture: Picture): void {
    this.picture = picture
    for (const listener of this.listeners) listener()
  }
}
