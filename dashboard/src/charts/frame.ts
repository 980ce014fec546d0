import type { Picture } from '../telemetry/series.ts'
import { Crosshair } from './crosshair.ts'
import { lengthOf, type TimeRange } from './time-range.ts'
import { Turns } from './turns.ts'

/** What the charts of a page draw: the same stretch of time for all, and what is known of each device. */
export type Shown = { from: number; to: number; pictures: ReadonlyMap<string, Picture> }

/** Whether somebody holds the charts still, and how many readings came since. */
export type Hold = { paused: boolean; arrived: number }

export type FrameClock = {
  /** The server's. */
  now: () => number
  /** The newest moment anything is known of, while there is no stream; null while there is one. */
  blindSince: () => number | null
  /** Milliseconds that never jump. */
  elapsed: () => number
}

const running: Hold = { paused: false, arrived: 0 }
/** As often as data is drawn; a number nobody can read needs no more. */
const stepMsMin = 250
/** About a pixel of the window. */
const stepsPerWindow = 1_000
/** From one chart to the next the pointer crosses what is between them. */
const leaveMs = 300

/**
 * What all charts of one page share, apart from React: a frame of the browser moves charts without rendering them.
 * `Shown` is a new object only when a picture is, or when time has moved on by what an eye can see.
 */
export class Frame {
  readonly crosshair = new Crosshair()
  readonly turns: Turns
  private readonly clock: FrameClock
  private readonly pictures = new Map<string, Picture>()
  private readonly shownListeners = new Set<() => void>()
  private readonly slideListeners = new Set<() => void>()
  private readonly holdListeners = new Set<() => void>()
  private range: TimeRange
  private shown: Shown
  private held: 'hover' | 'wish' | null = null
  /** What was shown before a finger began to move it. */
  private pulledFrom: Shown | null = null
  private away: TimeRange | null = null
  private hold: Hold = running
  private arrived = 0
  private arrivedBefore = 0
  private steppedAt = 0
  private leaving: ReturnType<typeof setTimeout> | undefined

  constructor(range: TimeRange, clock: FrameClock) {
    this.range = range
    this.clock = clock
    this.turns = new Turns(clock.elapsed)
    this.shown = this.look()
  }

  readonly getShown = (): Shown => this.shown
  readonly getHold = (): Hold => this.hold

  readonly subscribeShown = (listener: () => void) => subscribed(this.shownListeners, listener)
  readonly subscribeHold = (listener: () => void) => subscribed(this.holdListeners, listener)
  /** Called in each frame of the browser while time runs. */
  readonly subscribeSlide = (listener: () => void) => subscribed(this.slideListeners, listener)

  /** Where the right edge is at this very moment; what is shown may be some pixels behind it. */
  edge(): number {
    return this.isSliding() ? this.now() : this.shown.to
  }

  now(): number {
    // Sliding on without a stream would draw our own blindness as missing data.
    return this.clock.blindSince() ?? this.clock.now()
  }

  /** The pictures there are stay until those of the new range have come. */
  setRange(range: TimeRange): void {
    if (range === this.range) return
    this.range = range
    if (range.kind === 'live') this.away = null
    this.letGo()
    this.tellHold()
    this.show()
  }

  setPicture(deviceId: string, picture: Picture): void {
    if (this.pictures.get(deviceId) === picture) return
    this.pictures.set(deviceId, picture)
    this.show()
  }

  /** Nothing is added to this one any more: what comes from now on is not missing in it, but not known. */
  endPicture(deviceId: string): void {
    const picture = this.pictures.get(deviceId)
    const to = Math.min(picture?.to ?? 0, this.now())
    if (picture !== undefined && to < picture.to) this.setPicture(deviceId, { ...picture, to })
  }

  /** Forgets devices that are no longer among them. */
  keep(deviceIds: ReadonlySet<string>): void {
    const gone = [...this.pictures.keys()].filter((id) => !deviceIds.has(id))
    if (gone.length === 0) return
    for (const id of gone) this.pictures.delete(id)
    this.show()
  }

  /** Somebody leaves the live window for a part of it: until they are back, this counts as held. */
  leave(live: TimeRange): void {
    this.away ??= live
    this.arrivedBefore = this.held === null ? this.arrived : this.arrivedBefore
    this.tellHold()
  }

  /** Somebody chose a stretch of time for its own sake. */
  settle(): void {
    this.away = null
    this.letGo()
    this.tellHold()
    this.show()
  }

  /** The live window to go back to; null when this is one. */
  get leftFrom(): TimeRange | null {
    return this.away
  }

  pause(by: 'hover' | 'wish' = 'wish'): void {
    clearTimeout(this.leaving)
    if (this.range.kind === 'fixed') return
    if (this.held === null) this.arrivedBefore = this.arrived
    this.held = this.held === 'wish' ? 'wish' : by
    // Lines are drawn where the crosshair looks for them.
    tell(this.slideListeners)
    this.tellHold()
  }

  readonly holdStill = (): void => this.pause()

  resume(): void {
    this.letGo()
    this.tellHold()
    this.show()
  }

  /** A mouse over a chart holds all of them, until it is over none. */
  hover(isOver: boolean): void {
    clearTimeout(this.leaving)
    if (isOver) return this.pause('hover')
    if (this.held === 'hover') this.leaving = setTimeout(() => this.resume(), leaveMs)
  }

  /** The stretch under a finger that moves it; where it ends up is for the address to say. */
  peek(from: number, to: number): void {
    this.pulledFrom ??= this.shown
    this.shown = { ...this.shown, from, to }
    tell(this.shownListeners)
  }

  /** The finger was taken away for something else: nothing was moved. */
  drop(): void {
    if (this.pulledFrom === null) return
    this.shown = this.pulledFrom
    this.pulledFrom = null
    tell(this.shownListeners)
    this.show()
  }

  /** A reading has come, drawn or not. */
  note(): void {
    this.arrived += 1
  }

  /** Once in each frame of the browser. */
  tick(): void {
    if (this.isSliding()) tell(this.slideListeners)
    if (this.clock.elapsed() - this.steppedAt >= stepMsMin) this.step()
    this.turns.run()
  }

  stop(): void {
    clearTimeout(this.leaving)
  }

  private step(): void {
    this.steppedAt = this.clock.elapsed()
    if (this.hold.paused) this.tellHold()
    const stepMs = lengthOf(this.range) / stepsPerWindow
    // Without a stream time steps back to the newest moment that is known.
    if (this.isSliding() && Math.abs(this.now() - this.shown.to) >= stepMs) this.show()
  }

  private isSliding(): boolean {
    return this.range.kind === 'live' && this.held === null
  }

  private letGo(): void {
    clearTimeout(this.leaving)
    this.held = null
    this.pulledFrom = null
  }

  private look(): Shown {
    const { range } = this
    const to = range.kind === 'fixed' ? range.to : this.now()
    return { from: to - lengthOf(range), to, pictures: new Map(this.pictures) }
  }

  /** What is held stays as it is, whatever comes. */
  private show(): void {
    if (this.held !== null || this.pulledFrom !== null) return
    this.steppedAt = this.clock.elapsed()
    this.shown = this.look()
    tell(this.shownListeners)
  }

  private tellHold(): void {
    const paused = this.held !== null || this.away !== null
    const arrived = paused ? this.arrived - this.arrivedBefore : 0
    if (paused === this.hold.paused && arrived === this.hold.arrived) return
    this.hold = paused ? { paused, arrived } : running
    tell(this.holdListeners)
  }
}

function tell(listeners: ReadonlySet<() => void>): void {
  for (const listener of listeners) listener()
}

function subscribed(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}
