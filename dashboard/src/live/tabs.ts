import { randomUuid } from '../ui/uuid.ts'
import { Connection } from './connection.ts'
import { Election } from './election.ts'
import { liveLimits } from './limits.ts'
import { Roster } from './roster.ts'
import type { Numbered, Server } from './server.ts'
import { type LiveState, notStarted } from './state.ts'
import type { Channel, Surroundings } from './surroundings.ts'
import { Thread } from './thread.ts'

export type TabsOptions = {
  server: Server
  surroundings: Surroundings
  now: () => number
  random: () => number
  onEvent: (numbered: Numbered) => void
  onState: (state: LiveState) => void
  onConfirmed: (devices: readonly string[]) => void
  /** Events may have been missed. */
  onMissed: () => void
  /** The session may have ended. */
  onDoubt: () => void
}

/** Terms grow, so that a word of a leader that was deposed and does not know it yet is not taken for the leader's. */
type FromLeader = { term: number; seq: number } & (
  | { kind: 'event'; numbered: Numbered }
  | {
      kind: 'state'
      after: string
      state: LiveState
      confirmed: readonly string[]
      clockOffsetMs: number
      isRollCall: boolean
    }
)

type Message =
  | FromLeader
  | { kind: 'join'; tab: string; devices: readonly string[]; isVisible: boolean; isLost: boolean }
  | { kind: 'leave'; tab: string }
  | { kind: 'try-now' }
  | { kind: 'doubt' }

/**
 * One connection for all tabs of a browser: the tab that leads has it and passes on what comes.
 * Without locks (plain http on a local network is no secure context) every tab leads, for itself alone.
 */
export class Tabs {
  private readonly options: TabsOptions
  private readonly tab = randomUuid()
  private readonly roster = new Roster()
  private readonly thread = new Thread()
  private channel: Channel | null = null
  private election: Election | null = null
  private connection: Connection | null = null
  private devices: readonly string[] = []
  private confirmed: readonly string[] = []
  private state: LiveState = notStarted
  private clockOffsetMs = 0
  private askedTerm = 0
  private forget: () => void = () => {}
  private silenceTimer: ReturnType<typeof setTimeout> | undefined
  private rollTimer: ReturnType<typeof setInterval> | undefined

  constructor(options: TabsOptions) {
    this.options = options
  }

  get clockOffset(): number {
    return this.connection?.clockOffset ?? this.clockOffsetMs
  }

  /** Tabs of different users share nothing; nor do those of different versions of these messages. */
  start(user: string, devices: readonly string[]): void {
    this.devices = devices
    const { surroundings } = this.options
    this.forget = surroundings.onChange(() => this.look())
    const { locks } = surroundings
    if (locks === undefined) return this.lead()
    const name = `telltale-live-1:${user}`
    this.channel = surroundings.openChannel(name)
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.hear(data)
    this.election = new Election({
      locks,
      name,
      onLead: () => this.lead(),
      onDeposed: () => {
        this.follow()
        this.join(true)
      },
    })
    this.join()
    this.watchSilence(liveLimits.firstWordMaxMs)
    this.election.stand()
  }

  stop(): void {
    this.forget()
    this.follow()
    clearTimeout(this.silenceTimer)
    this.post({ kind: 'leave', tab: this.tab })
    if (this.channel !== null) this.channel.onmessage = null
    this.channel?.close()
    this.election?.stop()
  }

  setDevices(devices: readonly string[]): void {
    this.devices = devices
    if (this.connection === null) this.join()
    else this.connection.setDevices(this.union())
  }

  tryNow(): void {
    if (this.connection === null) this.post({ kind: 'try-now' })
    else this.connection.tryNow()
  }

  private look(): void {
    this.setDevices(this.devices)
    if (this.options.surroundings.isVisible()) this.tryNow()
  }

  private lead(): void {
    clearTimeout(this.silenceTimer)
    const { server, now, random, onDoubt } = this.options
    this.connection = new Connection({
      ...{ server, now, random },
      onEvent: (numbered) => this.passOn(numbered),
      onState: (state) => this.tellState(state),
      onConfirmed: (devices) => this.tellConfirmed(devices),
      onDoubt: () => {
        onDoubt()
        this.post({ kind: 'doubt' })
      },
    })
    this.thread.begin(now())
    this.say(this.stateWords())
    this.rollTimer = setInterval(() => this.callRoll(), liveLimits.rollEveryMs)
    const { state, clockOffsetMs } = this
    this.connection.start(this.union(), { after: this.thread.after, clockOffsetMs, state })
  }

  private follow(): void {
    if (this.connection === null) return
    this.clockOffsetMs = this.connection.clockOffset
    this.connection.stop()
    this.connection = null
    clearInterval(this.rollTimer)
    this.watchSilence(liveLimits.silenceMaxMs)
  }

  private passOn(numbered: Numbered): void {
    this.thread.note(numbered.id)
    this.options.onEvent(numbered)
    this.say({ kind: 'event', numbered })
  }

  private tellState(state: LiveState): void {
    const { phase, via, tooMany, retryAt } = this.state
    const isNews =
      phase !== state.phase || via !== state.via || tooMany !== state.tooMany || retryAt !== state.retryAt
    this.setState(state)
    if (isNews) this.say(this.stateWords())
  }

  private tellConfirmed(devices: readonly string[]): void {
    this.confirmed = devices
    this.options.onConfirmed(devices)
    this.say(this.stateWords())
  }

  private callRoll(): void {
    this.roster.call()
    this.say({ ...this.stateWords(), isRollCall: true })
    this.connection?.setDevices(this.union())
  }

  private stateWords() {
    const { state, confirmed, clockOffset: clockOffsetMs } = this
    const { after } = this.thread
    return { kind: 'state', after, state, confirmed, clockOffsetMs, isRollCall: false } as const
  }

  private hear(message: Message): void {
    switch (message.kind) {
      case 'join':
        return this.hearJoin(message)
      case 'leave':
        this.roster.remove(message.tab)
        return this.connection?.setDevices(this.union())
      case 'try-now':
        return this.connection?.tryNow()
      case 'doubt':
        return this.options.onDoubt()
      default:
        return this.hearLeader(message)
    }
  }

  private hearJoin({ tab, isLost, ...wish }: Extract<Message, { kind: 'join' }>): void {
    const isNew = this.roster.note(tab, wish)
    if (this.connection === null) return
    if (isNew || isLost) this.say(this.stateWords())
    this.connection.setDevices(this.union())
  }

  private hearLeader(message: FromLeader): void {
    const place = this.thread.place(message)
    if (place === 'old') return
    // A page that was frozen may have lost the new leader's first word.
    if (place === 'new' && message.kind === 'event') return this.askLeader(message.term)
    // Deposed while this page was frozen: the lock tells so too, but later.
    this.follow()
    this.watchSilence(liveLimits.silenceMaxMs)
    if (message.kind === 'event') return this.hearEvent(message, place === 'gap')
    const isBroken = this.thread.adopt(message, place)
    this.clockOffsetMs = message.clockOffsetMs
    this.setState(message.state)
    this.confirmed = message.confirmed
    this.options.onConfirmed(message.confirmed)
    if (isBroken) this.options.onMissed()
    if (place === 'new' || message.isRollCall) this.join()
  }

  private hearEvent({ seq, numbered }: FromLeader & { kind: 'event' }, isGap: boolean): void {
    const isRepeated = this.thread.next(seq, numbered.id)
    const { event } = numbered
    if (event.type === 'hello' || event.type === 'ping') {
      this.clockOffsetMs = event.data.serverTime - this.options.now()
    }
    if (!isRepeated) this.options.onEvent(numbered)
    if (isGap) this.options.onMissed()
    const newestAt = this.options.now() + this.clockOffsetMs
    if (newestAt - (this.state.newestAt ?? 0) >= liveLimits.aliveEveryMs)
      this.setState({ ...this.state, newestAt })
  }

  /** A leader that is silent for so long is frozen. Tabs do not all notice at once: the first one is enough. */
  private watchSilence(maxMs: number): void {
    clearTimeout(this.silenceTimer)
    const spreadMs = this.options.random() * 0.2 * maxMs
    this.silenceTimer = setTimeout(() => this.election?.steal(), maxMs + spreadMs)
  }

  private union(): readonly string[] {
    return this.roster.union({
      devices: this.devices,
      isVisible: this.options.surroundings.isVisible(),
    })
  }

  /** Once for each leader. */
  private askLeader(term: number): void {
    if (this.askedTerm === term) return
    this.askedTerm = term
    this.join(true)
  }

  private join(isLost = false): void {
    const { tab, devices } = this
    this.post({ kind: 'join', tab, devices, isVisible: this.options.surroundings.isVisible(), isLost })
  }

  private say(words: Omit<FromLeader & { kind: 'state' }, 'term' | 'seq'> | SaidEvent): void {
    if (this.channel !== null) this.post({ ...words, ...this.thread.number() })
  }

  private post(message: Message): void {
    this.channel?.postMessage(message)
  }

  private setState(state: LiveState): void {
    this.state = state
    this.options.onState(state)
  }
}

type SaidEvent = { kind: 'event'; numbered: Numbered }
