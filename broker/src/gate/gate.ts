import type { Duplex } from 'node:stream'
import { type Connect, readConnect } from './connect.ts'
import { Fault, type FaultCode, type FaultLimit, oversized } from './fault.ts'
import { type Header, readHeader, types } from './header.ts'
import { type HeldBudget, HeldBytes } from './held.ts'
import { type PacketLimits, type Walk, walkPackets } from './packets.ts'
import type { Rates } from './rates.ts'
import { Slowing } from './slowing.ts'

export interface GateLimits extends PacketLimits {
  connectBytesMax: number
  connectTimeoutMs: number
  /** A packet must be whole this long after its first byte; progress does not extend it. */
  partialTimeoutMs: number
  keepaliveMaxS: number
  heldBytesMax: number
  packetsPerReadMax: number
  burstSeconds: number
  slowedMaxMs: number
  slowedReportMs: number
  /** A client has so long to take the CONNACK that refuses it. */
  flushMs: number
}

export interface GateFault {
  code: FaultCode
  detail: string
  /** As its CONNECT claims. */
  clientId?: string
  username?: string
  limit?: FaultLimit
}

export interface GateCallbacks {
  /** Called once, right before the gate ends the connection. */
  onFault(fault: GateFault): void
  onSlowed(limit: 'messages' | 'bytes', value: number): void
  /** While true, silence is not the client's fault: it waits for us. */
  isBehind?(): boolean
}

/** What a client may do once it is known. */
export interface Allowance extends Rates {
  filtersPerSubscribeMax: number
}

export interface GateShared {
  readonly limits: GateLimits
  readonly budget: HeldBudget
  /** Time in which this process ran. */
  clockMs: number
}

/** How often deadlines are looked at: they pass late by up to twice this, never early. */
export const SWEEP_MS = 250

const header: Header = { type: 0, flags: 0, bodyAt: 0, end: 0 }
const walk: Walk = { end: 0, packets: 0, messages: 0, needed: 0, isOver: false }

/**
 * Stands between a connection and aedes, which trusts its clients: it has no limits on sizes, rates or time, and lets
 * through bytes that no client may send. aedes reads with `connection.read(null)` whenever the connection is
 * `readable`; the gate replaces that method, and returns whole, checked packets only. A chunk without fault and
 * fragment is passed on as it is.
 */
export class Gate {
  readonly connection: Duplex
  readonly #shared: GateShared
  readonly #callbacks: GateCallbacks & { onClosed(): void }
  readonly #readSocket: (size: number | null) => Buffer | null
  readonly #connect: Connect = { keepaliveS: 0 }
  #limits: PacketLimits
  /** connect: none came yet · waiting: it was passed on · open: CONNACK was sent */
  #phase: 'connect' | 'waiting' | 'open' | 'closed' = 'connect'
  /** A fragment; while waiting, whatever came behind CONNECT. */
  readonly #held: HeldBytes
  /** Since when there is a fragment. */
  #begunMs: number | undefined
  /** Bytes that were read, and are checked at the next read. */
  #rest: Buffer | undefined
  #slowing: Slowing | undefined
  /** When the last whole packet came; at first, when the connection came. */
  #heardMs: number

  constructor(connection: Duplex, shared: GateShared, callbacks: GateCallbacks & { onClosed(): void }) {
    this.connection = connection
    this.#shared = shared
    this.#callbacks = callbacks
    this.#limits = shared.limits
    this.#held = new HeldBytes(shared.budget)
    this.#heardMs = shared.clockMs
    const read = connection.read as (this: Duplex, size: number | null) => Buffer | null
    this.#readSocket = (size) => read.call(connection, size)
    // Node's streams call `read(0)` themselves, to have their buffer filled.
    connection.read = (size?: number) => (size === 0 ? this.#readSocket(0) : this.#read())
    // aedes takes its own away when it closes; an error afterwards must not end the process.
    connection.on('error', () => {})
    connection.once('close', () => this.close())
  }

  /** Of the CONNECT, or the most there is when that is longer or none. */
  get keepaliveS(): number {
    const { keepaliveMaxS } = this.#shared.limits
    const { keepaliveS } = this.#connect
    return keepaliveS === 0 ? keepaliveMaxS : Math.min(keepaliveS, keepaliveMaxS)
  }

  /** CONNACK 0 was sent: what follows is passed on, and must follow in time. */
  open(allowance: Allowance): void {
    if (this.#phase !== 'waiting') return
    const { limits, clockMs } = this.#shared
    this.#phase = 'open'
    this.#limits = { ...limits, filtersPerSubscribeMax: allowance.filtersPerSubscribeMax }
    this.#heardMs = clockMs
    this.#rest = this.#held.take()
    const { burstSeconds, slowedMaxMs, slowedReportMs } = limits
    const onSlowed: GateCallbacks['onSlowed'] = (limit, value) => this.#callbacks.onSlowed(limit, value)
    const wake = () => void this.connection.emit('readable')
    const options = { burstSeconds, slowedMaxMs, slowedReportMs, onSlowed, wake }
    this.#slowing = new Slowing(allowance, options, performance.now())
    // aedes reads by itself after CONNACK. It must not depend on that.
    setImmediate(() => {
      if (this.#phase === 'open' && this.#hasMore) wake()
    })
  }

  /** Passes nothing more on, and forgets what it holds. */
  close(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#held.clear()
    this.#rest = undefined
    this.#slowing?.stop()
    this.#callbacks.onClosed()
  }

  /** Looks at the deadlines. */
  sweep(): void {
    const { limits, clockMs } = this.#shared
    const silentMs = clockMs - this.#heardMs
    if (this.#phase === 'connect' && silentMs > limits.connectTimeoutMs + SWEEP_MS)
      this.#fail(new Fault('no_connect', `no CONNECT within ${limits.connectTimeoutMs} ms`))
    if (this.#phase !== 'open') return
    if (this.#isExcused) {
      this.#heardMs = clockMs
      if (this.#begunMs !== undefined) this.#begunMs = clockMs
    } else if (silentMs > 1_500 * this.keepaliveS + SWEEP_MS)
      this.#fail(new Fault('keepalive', `no packet for 1.5 times the keep-alive of ${this.keepaliveS} s`))
    else if (this.#begunMs !== undefined && clockMs - this.#begunMs > limits.partialTimeoutMs + SWEEP_MS)
      this.#fail(new Fault('stalled', `a packet was not finished within ${limits.partialTimeoutMs} ms`))
  }

  /** Whether it is us who are not reading: slowed by the gate, or aedes is busy with what it got. */
  get #isExcused(): boolean {
    return this.#slowing?.isWaiting || this.#hasMore || this.#callbacks.isBehind?.() === true
  }

  get #hasMore(): boolean {
    return this.#rest !== undefined || this.connection.readableLength > 0
  }

  #read(): Buffer | null {
    try {
      switch (this.#phase) {
        case 'connect':
          return this.#readConnect()
        case 'open':
          return this.#readPackets()
        // Nothing is read meanwhile, so at most one chunk waits here.
        case 'waiting':
        case 'closed':
          return null
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#fail(error)
      return null
    }
  }

  #readConnect(): Buffer | null {
    const { connectBytesMax } = this.#shared.limits
    for (let chunk = this.#readSocket(null); chunk; chunk = this.#readSocket(null)) {
      const bytes = this.#held.join(chunk)
      if (!bytes) continue
      // [MQTT-3.1.0-1]
      if (bytes[0] !== types.connect << 4) throw new Fault('not_connect', 'the first packet is not CONNECT')
      const hasHeader = readHeader(bytes, 0, header)
      if (hasHeader && header.end > connectBytesMax)
        throw oversized('bytes of a CONNECT', header.end, connectBytesMax)
      if (hasHeader && header.end <= bytes.length) return this.#passConnect(bytes)
      this.#held.hold(bytes, hasHeader ? header.end : bytes.length + 1)
    }
    return null
  }

  #passConnect(bytes: Buffer): Buffer {
    const { bodyAt, end } = header
    readConnect(bytes.subarray(bodyAt, end), this.#connect, this.#limits.topicLevelsMax)
    this.#phase = 'waiting'
    if (end === bytes.length) return bytes
    // A client need not wait for CONNACK ([MQTT-3.1.4-5]), but nothing of it counts before.
    this.#held.hold(bytes.subarray(end), bytes.length - end)
    return bytes.subarray(0, end)
  }

  #readPackets(): Buffer | null {
    const slowing = this.#slowing as Slowing
    const nowMs = performance.now()
    if (this.#hasMore && slowing.mustWait(nowMs)) return null
    for (;;) {
      const bytes = this.#rest ?? this.#readSocket(null)
      if (!bytes) {
        slowing.caughtUp()
        return null
      }
      const whole = this.#rest ? bytes : this.#held.join(bytes)
      this.#rest = undefined
      const passed = whole && this.#check(whole, slowing, nowMs)
      if (passed) return passed
    }
  }

  /** @returns the whole packets among `bytes`; keeps the others */
  #check(bytes: Buffer, { rates }: Slowing, nowMs: number): Buffer | undefined {
    const { packetsPerReadMax } = this.#shared.limits
    walkPackets(bytes, walk, {
      limits: this.#limits,
      packetsMax: Math.max(1, Math.min(packetsPerReadMax, rates.packetsAllowed(nowMs))),
      bytesMax: Math.max(1, rates.bytesAllowed(nowMs)),
    })
    const { end, packets, messages, needed } = walk
    rates.pay({ messages, packets, bytes: end })
    if (packets > 0) {
      this.#heardMs = this.#shared.clockMs
      this.#begunMs = undefined
    }
    if (walk.isOver) {
      this.close()
      return bytes.subarray(0, end)
    }
    if (end === bytes.length) return bytes
    if (needed > 0) {
      this.#held.hold(bytes.subarray(end), needed)
      this.#begunMs ??= this.#shared.clockMs
    } else this.#rest = bytes.subarray(end)
    return end === 0 ? undefined : bytes.subarray(0, end)
  }

  #fail(fault: Fault): void {
    if (this.#phase === 'closed') return
    this.close()
    const { clientId, username } = this.#connect
    this.#callbacks.onFault({
      code: fault.code,
      detail: fault.message,
      ...(clientId !== undefined && { clientId }),
      ...(username !== undefined && { username }),
      ...(fault.limit && { limit: fault.limit }),
    })
    if (fault.reply) this.#refuse(fault.reply)
    else this.connection.destroy()
  }

  /** Closing a socket with unread bytes would take the answer away from the client again: they are read first. */
  #refuse(connack: Buffer): void {
    const { connection } = this
    const drain = () => {
      while (this.#readSocket(null));
    }
    connection.on('readable', drain)
    connection.end(connack)
    const timer = setTimeout(() => connection.destroy(), this.#shared.limits.flushMs)
    connection.once('close', () => clearTimeout(timer))
  }
}
