import type { Duplex } from 'node:stream'
import { limits } from '@telltale/infra/limits'
import { Gate, type GateCallbacks, type GateLimits, type GateShared, SWEEP_MS } from './gate.ts'
import { HeldBudget } from './held.ts'

/** @param messageBytesMax the largest payload */
export function gateLimits(messageBytesMax: number): GateLimits {
  const { packetOverheadBytesMax, ...others } = limits.gate
  const { topicLevelsMax } = limits.broker
  return { ...others, topicLevelsMax, packetBytesMax: messageBytesMax + packetOverheadBytesMax }
}

/**
 * All gates of a broker: what they may hold together, and one timer for all their deadlines. That timer counts only
 * time in which this process ran: after a frozen minute the bytes that arrived meanwhile are read before anybody is
 * called silent.
 */
export class Gates {
  readonly #shared: GateShared
  readonly #gates = new Set<Gate>()
  #timer: NodeJS.Timeout | undefined
  #sweptMs = 0

  constructor(limits: GateLimits) {
    this.#shared = { limits, budget: new HeldBudget(limits.heldBytesMax), clockMs: 0 }
  }

  /** Of packets that are not whole, or came before CONNACK. */
  get heldBytes(): number {
    return this.#shared.budget.bytes
  }

  get size(): number {
    return this.#gates.size
  }

  /** From now on `connection.read` gives whole, checked packets only. Call it before anybody reads. */
  guard(connection: Duplex, callbacks: GateCallbacks): Gate {
    this.#timer ??= this.#startTimer()
    const gate: Gate = new Gate(connection, this.#shared, {
      ...callbacks,
      onClosed: () => this.#gates.delete(gate),
    })
    this.#gates.add(gate)
    return gate
  }

  /** Deadlines are no longer watched; the gates themselves stay until their connections close. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #startTimer(): NodeJS.Timeout {
    this.#sweptMs = performance.now()
    return setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  #sweep(): void {
    const nowMs = performance.now()
    this.#shared.clockMs += Math.min(nowMs - this.#sweptMs, 2 * SWEEP_MS)
    this.#sweptMs = nowMs
    for (const gate of this.#gates) gate.sweep()
  }
}
