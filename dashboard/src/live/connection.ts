import { backoffLeftMs, trialDelayMs } from './backoff.ts'
import { liveLimits } from './limits.ts'
import type { Line, LineListener, Loss } from './line.ts'
import { PollLine } from './poll-line.ts'
import type { Numbered, Server } from './server.ts'
import { type LiveState, notStarted } from './state.ts'
import { StreamLine } from './stream-line.ts'

export type ConnectionOptions = {
  server: Server
  now: () => number
  random: () => number
  onEvent: (numbered: Numbered) => void
  onState: (state: LiveState) => void
  onConfirmed: (devices: readonly string[]) => void
  /** A line ended: a signed-out browser must not knock for ever. */
  onDoubt: () => void
}

type Timer = ReturnType<typeof setTimeout> | undefined

/**
 * Keeps one line to the server: a stream, or polling while something on the way holds the stream back.
 * A line goes on after the last id the one before it delivered, so a change of lines loses and repeats nothing.
 */
export class Connection {
  private readonly options: ConnectionOptions
  private state: LiveState = notStarted
  private line: Line | null = null
  private trial: StreamLine | null = null
  private isRunning = false
  private via: LiveState['via'] = 'stream'
  private wanted: readonly string[] = []
  /** Asked for, but deleted: they would refuse the whole list. */
  private gone = new Set<string>()
  private after = ''
  private failures = 0
  private trialFailures = 0
  private openedAt = 0
  private heardAt = 0
  private clockOffsetMs = 0
  private retryTimer: Timer
  private trialTimer: Timer
  private catchUpTimer: Timer

  constructor(options: ConnectionOptions) {
    this.options = options
  }

  get clockOffset(): number {
    return this.clockOffsetMs
  }

  start(devices: readonly string[], from: { after: string; clockOffsetMs: number; state: LiveState }): void {
    this.wanted = devices
    this.after = from.after
    this.clockOffsetMs = from.clockOffsetMs
    this.state = from.state
    this.isRunning = true
    this.open()
  }

  stop(): void {
    this.isRunning = false
    this.drop()
    clearTimeout(this.retryTimer)
    clearTimeout(this.catchUpTimer)
  }

  setDevices(devices: readonly string[]): void {
    this.wanted = devices
    for (const id of this.gone) if (!devices.includes(id)) this.gone.delete(id)
    this.line?.change(this.devices())
  }

  /** A press, the network is back, or somebody looks: waiting ends, and a quiet line is not trusted. */
  tryNow(): void {
    if (this.line === null) return this.open()
    if (this.options.now() - this.heardAt > liveLimits.doubtMs && this.heardAt > 0 && this.via === 'stream') {
      this.open()
    } else if (this.via === 'poll') this.tryStream()
  }

  private devices(): readonly string[] {
    return this.gone.size === 0 ? this.wanted : this.wanted.filter((id) => !this.gone.has(id))
  }

  private open(): void {
    this.drop()
    clearTimeout(this.retryTimer)
    const { server, now } = this.options
    this.openedAt = now()
    const listener = this.listener()
    const line = this.via === 'stream' ? new StreamLine(server, listener) : new PollLine(server, listener)
    this.line = line
    line.open(this.devices(), this.after)
  }

  private listener(): LineListener {
    return {
      onEvent: (numbered) => this.receive(numbered),
      onConfirmed: (devices) => this.options.onConfirmed(devices),
      onAnswer: (cursor, serverTime) => this.receiveAnswer(cursor, serverTime),
      onLost: (loss) => void this.lose(loss),
    }
  }

  private receive({ id, event }: Numbered): void {
    if (id !== '') this.after = id
    if (event.type === 'hello' || event.type === 'ping') {
      this.clockOffsetMs = event.data.serverTime - this.options.now()
    }
    this.options.onEvent({ id, event })
    this.markAlive()
  }

  /** As good as a stream's ping. The header's clock has whole seconds: it counts when it differs by more. */
  private receiveAnswer(cursor: string, headerTime: number | null): void {
    const known = this.options.now() + this.clockOffsetMs
    const middle = headerTime === null ? known : headerTime + 500
    const serverTime = Math.abs(middle - known) > 1_500 ? middle : known
    this.receive({ id: cursor, event: { type: 'ping', data: { serverTime } } })
    if (this.trialTimer === undefined && this.trial === null) this.scheduleTrial()
  }

  private markAlive(): void {
    const now = this.options.now()
    const hadFailed = this.failures > 0
    this.failures = 0
    this.heardAt = now
    if (hadFailed) this.scheduleLive()
    const phase = hadFailed || this.state.phase === 'catching-up' ? 'catching-up' : 'live'
    const newestAt = now + this.clockOffsetMs
    const isNews = phase !== this.state.phase || this.via !== this.state.via
    if (!isNews && newestAt - (this.state.newestAt ?? 0) < liveLimits.aliveEveryMs) return
    this.setState({ phase, via: this.via, tooMany: false, newestAt, retryAt: null })
  }

  private scheduleLive(): void {
    clearTimeout(this.catchUpTimer)
    const goLive = () => this.setState({ ...this.state, phase: 'live' })
    this.catchUpTimer = setTimeout(goLive, liveLimits.catchUpMs)
  }

  private async lose(loss: Loss): Promise<void> {
    this.line = null
    switch (loss.kind) {
      case 'mute':
        this.via = 'poll'
        return this.open()
      case 'moved':
        return this.open()
      case 'unknown-device':
        return this.leaveOutMissing()
      case 'too-many':
        return this.wait({ tooMany: true, delayMs: loss.retryAfterMs ?? liveLimits.placeWaitMs })
      case 'broken':
      case 'unreachable':
      case 'signed-out':
        return this.wait({ tooMany: false, delayMs: null })
    }
  }

  /** One deleted device in the list of one tab would leave all tabs without events. */
  private async leaveOutMissing(): Promise<void> {
    this.backToStream()
    const asked = this.devices().filter((id) => id !== '*')
    const missing = await this.options.server.missingDevices(asked)
    if (!this.isRunning || this.line !== null) return
    if (missing.length === 0) return this.wait({ tooMany: false, delayMs: null })
    for (const id of missing) this.gone.add(id)
    this.open()
  }

  private wait({ tooMany, delayMs }: { tooMany: boolean; delayMs: number | null }): void {
    this.drop()
    this.backToStream()
    clearTimeout(this.catchUpTimer)
    this.failures += 1
    const now = this.options.now()
    const pause = delayMs ?? backoffLeftMs(this.failures, this.options.random(), now - this.openedAt)
    this.setState({
      phase: this.failures > liveLimits.offlineAfterFailures && !tooMany ? 'offline' : 'reconnecting',
      via: this.via,
      tooMany,
      newestAt: this.heardAt === 0 ? this.state.newestAt : this.heardAt + this.clockOffsetMs,
      retryAt: now + pause,
    })
    this.retryTimer = setTimeout(() => this.open(), pause)
    this.options.onDoubt()
  }

  /** Where no stream came through before, polling is the quicker way back. */
  private backToStream(): void {
    if (this.trialFailures === 0) this.via = 'stream'
  }

  private scheduleTrial(): void {
    const delayMs = trialDelayMs(this.trialFailures, this.options.random())
    this.trialTimer = setTimeout(() => this.tryStream(), delayMs)
  }

  /** Polling goes on meanwhile; the trial only has to say hello. */
  private tryStream(): void {
    clearTimeout(this.trialTimer)
    this.trialTimer = undefined
    if (this.trial !== null) return
    const end = () => {
      this.trial?.close()
      this.trial = null
    }
    this.trial = new StreamLine(this.options.server, {
      onEvent: () => {},
      onAnswer: () => {},
      onConfirmed: () => {
        end()
        this.trialFailures = 0
        this.via = 'stream'
        this.open()
      },
      onLost: () => {
        end()
        this.trialFailures += 1
        this.scheduleTrial()
      },
    })
    this.trial.open(['*'], '')
  }

  private drop(): void {
    clearTimeout(this.trialTimer)
    this.trialTimer = undefined
    this.trial?.close()
    this.trial = null
    this.line?.close()
    this.line = null
  }

  private setState(state: LiveState): void {
    this.state = state
    this.options.onState(state)
  }
}
