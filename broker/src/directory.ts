import { retry } from '@telltale/infra/retry'
import { existingDevices } from '@telltale/infra/storage/devices'
import type { Pool } from '@telltale/infra/storage/pool'

/** How long the answer holds; a deleted device's readings are refused by the storage itself. */
const KNOWN_MS = 10_000
const KNOWN_MAX = 50_000
const BACKOFF = { minMs: 100, maxMs: 2_000 }

/** Which devices are registered, for integrations that publish in their name. */
export class DeviceDirectory {
  readonly #pool: Pool
  readonly #knownUntilMs = new Map<string, number>()

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Waits while the database is away. */
  async isRegistered(deviceId: string): Promise<boolean> {
    const nowMs = performance.now()
    if ((this.#knownUntilMs.get(deviceId) ?? 0) > nowMs) return true
    const found = await retry(() => existingDevices(this.#pool, [deviceId]), {
      ...BACKOFF,
      isRetryable: () => true,
    })
    if (!found.has(deviceId)) return false
    if (this.#knownUntilMs.size >= KNOWN_MAX) this.#knownUntilMs.clear()
    this.#knownUntilMs.set(deviceId, nowMs + KNOWN_MS)
    return true
  }
}
