import type { Readings } from '@telltale/api/contract'
import { fromReadings, type LiveReading, mergeReadings, type Picture } from './series.ts'

/** Four redraws a second are as live as eyes are; a thousand would only heat the room. */
const flushMs = 250
const recentMs = 30_000
const recentMax = 5_000

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
  private recent: { reading: LiveReading; arrivedAt: number }[] = []
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

  load(readings: Readings): void {
    const arrived = (this.picture?.arrived ?? 0) + this.waiting.length
    this.waiting = []
    const history = fromReadings(readings, arrived)
    const merged = mergeReadings(history, this.recentReadings(), this.horizon())
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

  private recentReadings(): LiveReading[] {
    const since = this.now() - recentMs
    this.recent = this.recent.filter((one) => one.arrivedAt >= since)
    return this.recent.map((one) => one.reading)
  }

  private horizon(): number {
    return this.now() - this.windowMs
  }

  private show(picture: Picture): void {
    this.picture = picture
    for (const listener of this.listeners) listener()
  }
}
