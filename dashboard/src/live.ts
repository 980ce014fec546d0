import type { LiveEvent } from '@telltale/api/contract'

const switchDelayMs = 200 // rows scrolling by ask for many sets; only the last one is worth a stream
const silenceMaxMs = 40_000 // the server pings every 15 s; two missed and a bit
const backoffBaseMs = 1_000
const backoffMaxMs = 15_000
const catchUpMs = 700
const offlineAfterFailures = 3

const eventTypes = [
  'hello',
  'reading',
  'presence',
  'command',
  'rejected',
  'totals',
  'resync',
  'ping',
] as const

type LivePhase = 'connecting' | 'live' | 'catching-up' | 'reconnecting' | 'offline'

export type LiveState = {
  phase: LivePhase
  /** Server's clock when the newest event came in; null before the first. */
  newestAt: number | null
  /** Browser's clock when the next attempt starts; null unless waiting. */
  retryAt: number | null
}

type Listener = (event: LiveEvent) => void

/** The part of EventSource used here, so a test can stand in for the far end. */
export type Stream = Pick<EventSource, 'close' | 'addEventListener'>

export type LiveOptions = {
  openStream: (url: string) => Stream
  /** Asked when a stream ends: a signed-out browser must not knock for ever. */
  onStreamLost: () => void
  now?: () => number
  random?: () => number
}

/**
 * One server-sent event stream for this tab, whatever its screens watch.
 * Reconnects are made here and not by EventSource, because only then can the screen count down honestly.
 */
export class LiveClient {
  private readonly options: Required<LiveOptions>
  private readonly watched = new Map<string, number>()
  private readonly listeners = new Set<Listener>()
  private readonly stateListeners = new Set<() => void>()
  private state: LiveState = { phase: 'connecting', newestAt: null, retryAt: null }
  private stream: Stream | null = null
  private streamUrlDevices = ''
  private lastEventId = ''
  private failures = 0
  private clockOffsetMs = 0
  private started = false
  private switchTimer: ReturnType<typeof setTimeout> | undefined
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private silenceTimer: ReturnType<typeof setTimeout> | undefined
  private catchUpTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: LiveOptions) {
    this.options = { now: Date.now, random: Math.random, ...options }
  }

  start(): void {
    if (this.started) return
    this.started = true
    this.open()
  }

  stop(): void {
    this.started = false
    this.dropStream()
    clearTimeout(this.switchTimer)
    clearTimeout(this.retryTimer)
    clearTimeout(this.catchUpTimer)
    this.lastEventId = ''
    this.failures = 0
    this.setState({ phase: 'connecting', newestAt: null, retryAt: null })
  }

  /** Asks for readings of these devices until the returned function is called. */
  watch(deviceIds: readonly string[]): () => void {
    for (const id of deviceIds) this.watched.set(id, (this.watched.get(id) ?? 0) + 1)
    this.scheduleSwitch()
    return () => {
      for (const id of deviceIds) {
        const left = (this.watched.get(id) ?? 1) - 1
        if (left === 0) this.watched.delete(id)
        else this.watched.set(id, left)
      }
      this.scheduleSwitch()
    }
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly subscribeState = (listener: () => void): (() => void) => {
    this.stateListeners.add(listener)
    return () => this.stateListeners.delete(listener)
  }

  readonly getState = (): LiveState => this.state

  /** Ages are measured on the server's clock: a laptop that is a minute off would show every value as stale. */
  serverNow(): number {
    return this.options.now() + this.clockOffsetMs
  }

  reconnectNow(): void {
    if (!this.started || this.stream !== null) return
    clearTimeout(this.retryTimer)
    this.open()
  }

  private scheduleSwitch(): void {
    if (!this.started) return
    clearTimeout(this.switchTimer)
    this.switchTimer = setTimeout(() => {
      if (this.stream !== null && this.devices() !== this.streamUrlDevices) this.open()
    }, switchDelayMs)
  }

  private devices(): string {
    return ['*', ...[...this.watched.keys()].sort()].join(',')
  }

  /** The new stream starts after the last id the old one delivered, so a switch loses and repeats nothing. */
  private open(): void {
    this.dropStream()
    this.streamUrlDevices = this.devices()
    const query = new URLSearchParams({ devices: this.streamUrlDevices })
    if (this.lastEventId !== '') query.set('lastEventId', this.lastEventId)
    const stream = this.options.openStream(`/api/v1/events?${query}`)
    this.stream = stream
    for (const type of eventTypes) {
      stream.addEventListener(type, (message) => this.receive(stream, type, message as MessageEvent<string>))
    }
    stream.addEventListener('error', () => this.lose(stream))
    this.watchSilence(stream)
  }

  private receive(stream: Stream, type: LiveEvent['type'], message: MessageEvent<string>): void {
    if (stream !== this.stream) return
    if (message.lastEventId !== '') this.lastEventId = message.lastEventId
    const event = { type, data: JSON.parse(message.data) } as LiveEvent
    this.watchSilence(stream)
    if (event.type === 'hello' || event.type === 'ping') {
      this.clockOffsetMs = event.data.serverTime - this.options.now()
    }
    this.markAlive()
    for (const listener of this.listeners) listener(event)
  }

  private markAlive(): void {
    const newestAt = this.serverNow()
    if (this.failures > 0) {
      this.failures = 0
      this.setState({ phase: 'catching-up', newestAt, retryAt: null })
      clearTimeout(this.catchUpTimer)
      this.catchUpTimer = setTimeout(() => this.setState({ ...this.state, phase: 'live' }), catchUpMs)
    } else {
      const phase = this.state.phase === 'catching-up' ? 'catching-up' : 'live'
      this.setState({ phase, newestAt, retryAt: null })
    }
  }

  private lose(stream: Stream): void {
    if (stream !== this.stream) return
    this.dropStream()
    clearTimeout(this.catchUpTimer)
    this.failures += 1
    const delayMs = backoffMs(this.failures, this.options.random())
    this.setState({
      phase: this.failures > offlineAfterFailures ? 'offline' : 'reconnecting',
      newestAt: this.state.newestAt,
      retryAt: this.options.now() + delayMs,
    })
    this.retryTimer = setTimeout(() => this.open(), delayMs)
    this.options.onStreamLost()
  }

  private watchSilence(stream: Stream): void {
    clearTimeout(this.silenceTimer)
    this.silenceTimer = setTimeout(() => this.lose(stream), silenceMaxMs)
  }

  private dropStream(): void {
    clearTimeout(this.silenceTimer)
    this.stream?.close()
    this.stream = null
  }

  private setState(state: LiveState): void {
    this.state = state
    for (const listener of this.stateListeners) listener()
  }
}

/** Doubles up to the limit, and is spread by ±30 % so that a restarted server is not met by everybody at once. */
export function backoffMs(failures: number, random: number): number {
  const plain = Math.min(backoffMaxMs, backoffBaseMs * 2 ** (failures - 1))
  return Math.round(plain * (0.7 + 0.6 * random))
}
