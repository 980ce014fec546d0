import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import {
  endSessionsOf,
  findLostBrokers,
  keepBrokerSeen,
  type LostDevice,
  startBroker,
} from '@telltale/infra/storage/brokers'
import type { Pool } from '@telltale/infra/storage/pool'

const { lostAfterMs, heartbeatMs } = limits.cluster

export interface LivenessDeps {
  pool: Pool
  /** The sign of life waits for nothing else that the database does not answer. */
  promptPool: Pool
  brokerId: string
  log: Logger
  /** Devices that are offline because their broker is gone. */
  onLost: (devices: LostDevice[]) => void
  /** A broker that ended without a word, once for each of its ends. */
  onBrokerLost: (brokerId: string) => void
  /** Others may have taken this broker for lost. */
  onRevived: () => Promise<void>
}

/**
 * Brokers watch each other through the database: each says every few seconds that it lives, and whoever finds one
 * silent ends its devices' sessions. A broker that was only frozen opens those of its live connections again.
 */
export class Liveness {
  readonly #deps: LivenessDeps
  readonly #lost = new Set<string>()
  #beatMs = performance.now()
  /** Since when the database has answered without a pause: before, others may have been unable to say anything. */
  #steadySinceMs = performance.now()
  #mayBeLost = false

  constructor(deps: LivenessDeps) {
    this.#deps = deps
  }

  /** What an earlier life of this broker left connected. */
  async start(): Promise<void> {
    this.#deps.onLost(await startBroker(this.#deps.pool, this.#deps.brokerId))
  }

  /** Every few seconds. */
  async beat(): Promise<void> {
    const { promptPool, brokerId } = this.#deps
    await keepBrokerSeen(promptPool, brokerId)
    const nowMs = performance.now()
    const pauseMs = nowMs - this.#beatMs
    this.#beatMs = nowMs
    if (pauseMs > 2 * heartbeatMs) this.#steadySinceMs = nowMs
    if (pauseMs > lostAfterMs / 2) this.#mayBeLost = true
    if (this.#mayBeLost) await this.#deps.onRevived()
    this.#mayBeLost = false
    if (nowMs - this.#steadySinceMs >= lostAfterMs) await this.#findLost()
  }

  async #findLost(): Promise<void> {
    const { pool, promptPool, brokerId, log } = this.#deps
    const silent = await findLostBrokers(promptPool, { brokerId, lostAfterMs })
    for (const known of this.#lost) if (!silent.includes(known)) this.#lost.delete(known)
    for (const other of silent) {
      const devices = await endSessionsOf(pool, other)
      if (devices.length > 0) log.warn({ broker: other, devices: devices.length }, 'a broker is gone')
      this.#deps.onLost(devices)
      if (this.#lost.has(other)) continue
      this.#lost.add(other)
      this.#deps.onBrokerLost(other)
    }
  }
}
