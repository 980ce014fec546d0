import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Packet, parser } from 'mqtt-packet'
import type { Allowance, Gate, GateFault, GateLimits } from '../src/gate/gate.ts'
import { type Gates, gateLimits } from '../src/gate/gates.ts'

export const unlimited: Allowance = {
  messagesPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  filtersPerSubscribeMax: 8,
}

export const CONNACK = Buffer.from([0x20, 2, 0, 0])
export const testLimits = (changes: Partial<GateLimits> = {}): GateLimits => ({
  ...gateLimits(64 * 1024),
  ...changes,
})

/** A connection behind a gate, with a reader that reads as aedes does: all there is, whenever it is readable. */
export class Guarded {
  readonly gate: Gate
  readonly client: Duplex
  readonly server: Duplex
  readonly faults: GateFault[] = []
  readonly slowed: { limit: string; value: number }[] = []
  /** What each read gave. */
  readonly passed: Buffer[] = []
  readonly packets: Packet[] = []
  /** What the client was sent. */
  answer = Buffer.alloc(0)
  /** Its end, as the client sees it. */
  isOver = false
  isReading = true
  isBehind = false
  readonly #parser = parser()
  readonly #allowance: Allowance | undefined

  /** @param allowance given after CONNECT; none: nobody answers it */
  constructor(gates: Gates, ends: { client: Duplex; server: Duplex }, allowance?: Allowance) {
    this.client = ends.client
    this.server = ends.server
    this.#allowance = allowance
    this.gate = gates.guard(ends.server, {
      onFault: (fault) => this.faults.push(fault),
      onSlowed: (limit, value) => this.slowed.push({ limit, value }),
      isBehind: () => this.isBehind,
    })
    this.#parser.on('packet', (packet) => this.packets.push(packet))
    this.server.on('readable', () => this.read())
    this.server.on('end', () => this.server.destroy())
    this.client.on('data', (bytes: Buffer) => {
      this.answer = Buffer.concat([this.answer, bytes])
    })
    // A WebSocket's stream ends without closing when its writing side was never ended.
    for (const event of ['end', 'close'])
      this.client.on(event, () => {
        this.isOver = true
      })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.passed)
  }

  get messages(): number {
    return this.packets.filter(({ cmd }) => cmd === 'publish').length
  }

  read(): void {
    if (!this.isReading) return
    // As aedes calls it.
    const read = this.server.read as unknown as (size: null) => Buffer | null
    for (let chunk = read(null); chunk; chunk = read(null)) {
      const isFirst = this.passed.length === 0
      this.passed.push(chunk)
      this.#parser.parse(chunk)
      if (isFirst && this.#allowance) this.accept(this.#allowance)
    }
  }

  accept(allowance: Allowance): void {
    this.server.write(CONNACK)
    this.gate.open(allowance)
  }

  /** Each piece in a turn of the loop of its own. */
  async send(...pieces: (Buffer | number[])[]): Promise<void> {
    for (const piece of pieces) {
      this.client.write(Buffer.from(piece as Buffer))
      await nextTurn()
    }
  }
}
