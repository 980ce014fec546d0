import type { LiveEvent } from '@telltale/api/contract'
import { liveLimits } from './limits.ts'
import type { Server } from './server.ts'
import { type LiveState, notStarted } from './state.ts'
import type { Surroundings } from './surroundings.ts'
import { Tabs } from './tabs.ts'

type Listener = (event: LiveEvent) => void

export type LiveOptions = {
  server: Server
  surroundings: Surroundings
  /** Asked when a line ends: a signed-out browser must not knock for ever. */
  onDoubt: () => void
  now?: () => number
  random?: () => number
}

/** What screens know of the live events: which devices they watch, what happens, and how fresh that is. */
export class LiveClient {
  private readonly options: Required<LiveOptions>
  private readonly watched = new Map<string, number>()
  private readonly listeners = new Set<Listener>()
  private readonly stateListeners = new Set<() => void>()
  private readonly watchedListeners = new Set<(devices: readonly string[]) => void>()
  private confirmed: ReadonlySet<string> = new Set()
  private state: LiveState = notStarted
  private tabs: Tabs | null = null
  private changedAt = 0
  private changeTimer: ReturnType<typeof setTimeout> | undefined
  private isChangeUrgent = false

  constructor(options: LiveOptions) {
    this.options = { now: Date.now, random: Math.random, ...options }
  }

  start(user: string): void {
    this.stop()
    const { server, surroundings, now, random, onDoubt } = this.options
    const tabs = new Tabs({
      ...{ server, surroundings, now, random, onDoubt },
      onEvent: ({ event }) => this.tell(event),
      onState: (state) => this.setState(state),
      onConfirmed: (devices) => this.confirm(devices),
      onMissed: () => this.tell({ type: 'resync', data: { reason: 'this tab missed events' } }),
    })
    this.tabs = tabs
    tabs.start(user, [...this.watched.keys()])
  }

  stop(): void {
    const { tabs } = this
    this.tabs = null
    tabs?.stop()
    clearTimeout(this.changeTimer)
    this.isChangeUrgent = false
    this.confirmed = new Set()
    this.setState(notStarted)
  }

  /** Asks for readings of these devices until the returned function is called. */
  watch(deviceIds: readonly string[]): () => void {
    for (const id of deviceIds) this.watched.set(id, (this.watched.get(id) ?? 0) + 1)
    this.scheduleChange(deviceIds.length > 0)
    return () => {
      for (const id of deviceIds) {
        const left = (this.watched.get(id) ?? 1) - 1
        if (left === 0) this.watched.delete(id)
        else this.watched.set(id, left)
      }
      this.scheduleChange(false)
    }
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Calls with devices whose events come from now on (`*`: the fleet's): what was read of them before may be old. */
  subscribeWatched(listener: (devices: readonly string[]) => void): () => void {
    this.watchedListeners.add(listener)
    return () => this.watchedListeners.delete(listener)
  }

  isWatched(deviceIds: readonly string[]): boolean {
    return deviceIds.every((id) => this.confirmed.has(id))
  }

  /** Resolves when nothing of these devices is missed any more; soon in any case, because something must be shown. */
  async whenWatched(deviceIds: readonly string[]): Promise<void> {
    // A screen's queries begin in the same turn as its watching, sometimes before it.
    await Promise.resolve()
    const isAsked = deviceIds.every((id) => id === '*' || this.watched.has(id))
    if (this.tabs === null || this.state.retryAt !== null || !isAsked || this.isWatched(deviceIds)) return
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        forget()
        resolve()
      }
      const timer = setTimeout(end, liveLimits.watchedWaitMs)
      const forget = this.subscribeWatched(() => this.isWatched(deviceIds) && end())
    })
  }

  readonly subscribeState = (listener: () => void): (() => void) => {
    this.stateListeners.add(listener)
    return () => this.stateListeners.delete(listener)
  }

  readonly getState = (): LiveState => this.state

  /** Ages are measured on the server's clock: a laptop that is a minute off would show every value as stale. */
  serverNow(): number {
    return this.options.now() + (this.tabs?.clockOffset ?? 0)
  }

  tryNow(): void {
    this.tabs?.tryNow()
  }

  /** The first of many changes goes at once, for whoever opens a page; the rest waits until it is quiet. */
  private scheduleChange(isUrgent: boolean): void {
    if (this.tabs === null || this.isChangeUrgent) return
    clearTimeout(this.changeTimer)
    const isQuiet = this.options.now() - this.changedAt > liveLimits.changeDelayMs
    this.isChangeUrgent = isUrgent && isQuiet
    const delayMs = this.isChangeUrgent ? 0 : liveLimits.changeDelayMs
    this.changedAt = this.options.now()
    this.changeTimer = setTimeout(() => {
      this.isChangeUrgent = false
      this.tabs?.setDevices([...this.watched.keys()])
    }, delayMs)
  }

  private tell(event: LiveEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  private confirm(devices: readonly string[]): void {
    const before = this.confirmed
    this.confirmed = new Set(devices)
    const newly = devices.filter((id) => !before.has(id))
    if (newly.length > 0) for (const listener of [...this.watchedListeners]) listener(newly)
  }

  private setState(state: LiveState): void {
    this.state = state
    for (const listener of this.stateListeners) listener()
  }
}
