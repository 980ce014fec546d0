import { limits } from '@telltale/infra/limits'
import { retry } from '@telltale/infra/retry'
import { existingDevices } from '@telltale/infra/storage/devices'
import type { Pool } from '@telltale/infra/storage/pool'
import { DatabaseAway, type PromptDatabase } from './prompt-database.ts'

const { trustedMs, devicesMax } = limits.directory
const BACKOFF = { minMs: 100, maxMs: 2_000 }

/** Which devices are registered, for integrations that publish in their name. */
export class DeviceDirectory {
  readonly #pool: Pool
  readonly #database: PromptDatabase
  /** Asked when; the longest ago first. */
  readonly #knownMs = new Map<string, number>()

  constructor({ pool, database }: { pool: Pool; database: PromptDatabase }) {
    this.#pool = pool
    this.#database = database
  }

  /** While the database is away who was known stays known; who was never heard of makes it wait. */
  async isRegistered(deviceId: string): Promise<boolean> {
    const nowMs = performance.now()
    const knownMs = this.#knownMs.get(deviceId)
    if (knownMs !== undefined && nowMs - knownMs < trustedMs) return true
    const found = await retry(() => this.#look(deviceId, knownMs !== undefined), {
      ...BACKOFF,
      isRetryable: () => true,
    })
    if (found === 'away') return true
    this.#knownMs.delete(deviceId)
    if (found === 'missing') return false
    if (this.#knownMs.size >= devicesMax) this.#forgetOldest()
    this.#knownMs.set(deviceId, nowMs)
    return true
  }

  async #look(deviceId: string, isKnown: boolean): Promise<'there' | 'missing' | 'away'> {
    try {
      const found = await this.#database.ask(() => existingDevices(this.#pool, [deviceId]))
      return found.has(deviceId) ? 'there' : 'missing'
    } catch (error) {
      if (isKnown && error instanceof DatabaseAway) return 'away'
      throw error
    }
  }

  #forgetOldest(): void {
    for (const oldest of this.#knownMs.keys()) {
      this.#knownMs.delete(oldest)
      return
    }
  }
}
