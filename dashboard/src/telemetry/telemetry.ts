import type { Readings } from '@telltale/api/contract'
import { fromReadings, type LiveReading, mergeReadings, type Picture } from './series.ts'

/** Four redraws a second are as live as eyes are; a thousand would only heat the room. */
const flushMs = 250
const recentMs = 30_000
const recentMax = 5_000

type Arrived = { reading: LiveReading; arrivedAt: number }
const toReading = ({ reading }: Arrived) => reading

/**
 * Joins history and live readings of one device and window.
 * Readings that arrive while the history is on its way are kept and merged into it, so there is no seam.
 */
export class Telemetry {
  private readonly windowMs: number
  private readonly now: () => number
  private readonly listeners = new Set<() => void>()
  private picture: Picture | null = null
  private waiting: LiveReading[] = []
  private recent: Arrived[] = []
  private timer: ReturnType<typeof setTimeout> | undefined
  private held = false

  constructor(windowMs: number, now: () => number) {
    this.windowMs = windowMs
    this.now = now
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

  add(reading: LiveReading): void {
    this.recent.push({ reading, arrivedAt: this.now() })
    if (this.recent.length > recentMax) this.recent.shift()
    if (this.picture === null) return
    this.waiting.push(reading)
    if (this.waiting.length >= recentMax) this.flush()
    else if (!this.held) this.timer ??= setTimeout(() => this.flush(), flushMs)
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

  /** Those a history may not have, and those that lie beyond its end. */
  private recentReadings(historyTo: number): Arrived[] {
    const since = this.now() - recentMs
    this.recent = this.recent.filter(
      ({ reading, arrivedAt }) => arrivedAt >= since || reading.time >= historyTo,
    )
    return this.recent
  }

  private horizon(): number {
    return this.now() - this.windowMs
  }

  private show(picture: Picture): void {
    this.picture = picture
    for (const listener of this.listeners) listener()
  }
}
