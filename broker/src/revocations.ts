import { limits } from '@telltale/infra/limits'
import { enabledDevices, findLosersSince, findRevoked } from '@telltale/infra/storage/credentials'
import { findIntegration, findRevokedIntegrations } from '@telltale/infra/storage/integrations'
import type { Pool } from '@telltale/infra/storage/pool'
import { ownerOf } from './attachment.ts'
import type { Clients } from './clients.ts'
import { topics } from './contract/index.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { SessionStore } from './sessions/store.ts'

/** A revocation becomes visible when its transaction commits, later than its time says. */
const OVERLAP_MS = 30_000

export interface RevocationsDeps {
  pool: Pool
  clients: Clients
  sessions: Sessions
  durable: SessionStore
  expiryMs: number
}

/**
 * Takes back what a device or an integration had when its right ends: the connection, and once it is disabled or
 * deleted also its sessions with what is queued, and the retained messages below its root.
 */
export class Revocations {
  readonly #deps: RevocationsDeps
  #checkedMs = performance.now()
  #fullMs = performance.now()

  constructor(deps: RevocationsDeps) {
    this.#deps = deps
  }

  /** Word that something changed about this device, or `@integration`. */
  async changed(name: string): Promise<void> {
    await this.#closeRevoked((one) => one === name)
    await this.#forgetUnlessEnabled([name])
  }

  /**
   * The net under a lost word, every two seconds: closes connections whose secret is no longer good. Asked are those
   * that lost something lately, by the database's clock, and now and then all: 10,000 at a time would disturb ingest.
   */
  async check(): Promise<void> {
    const nowMs = performance.now()
    const isFull = nowMs - this.#fullMs > limits.sessions.sweepMs
    const sinceMs = nowMs - this.#checkedMs + OVERLAP_MS
    const losers = isFull ? undefined : new Set(await findLosersSince(this.#deps.pool, sinceMs))
    await this.#closeRevoked((name) => name.startsWith('@') || losers === undefined || losers.has(name))
    this.#checkedMs = nowMs
    if (isFull) this.#fullMs = nowMs
  }

  async #closeRevoked(isAsked: (name: string) => boolean): Promise<void> {
    const revoked = await this.#findRevoked(isAsked)
    await Promise.all(revoked.map((credential) => this.#deps.clients.closeCredential(credential, 'revoked')))
    if (revoked.length > 0) await this.#forgetUnlessEnabled([...new Set(revoked.map(({ name }) => name))])
  }

  async #findRevoked(isAsked: (name: string) => boolean): Promise<{ name: string; hash: Buffer }[]> {
    const { pool, clients } = this.#deps
    const inUse = [...clients.credentialsInUse()].filter(({ name }) => isAsked(name))
    const devices = inUse.filter(({ kind }) => kind === 'device')
    const integrations = inUse.filter(({ kind }) => kind === 'integration')
    const askDevices = devices.map(({ name, hash }) => ({ deviceId: name, hash }))
    const askIntegrations = integrations.map(({ name, hash }) => ({ name: name.slice(1), hash }))
    const revokedDevices = devices.length > 0 ? await findRevoked(pool, askDevices) : []
    const revokedIntegrations =
      integrations.length > 0 ? await findRevokedIntegrations(pool, askIntegrations) : []
    return [
      ...revokedDevices.map(({ deviceId, hash }) => ({ name: deviceId, hash })),
      ...revokedIntegrations.map(({ name, hash }) => ({ name: `@${name}`, hash })),
    ]
  }

  /** Now and then: sessions nobody came back to, and those of whoever is gone. */
  async sweep(): Promise<void> {
    const { durable, expiryMs } = this.#deps
    await durable.expire(expiryMs)
    const owners = new Set((await durable.list('')).map(ownerOf))
    // Those without a session may have left retained messages, if the word of their end was lost.
    for (const id of await findLosersSince(this.#deps.pool, 2 * limits.sessions.sweepMs)) owners.add(id)
    await this.#forgetUnlessEnabled([...owners])
  }

  async #forgetUnlessEnabled(names: string[]): Promise<void> {
    const { pool, sessions, durable } = this.#deps
    const enabled = await enabledDevices(
      pool,
      names.filter((name) => !name.startsWith('@')),
    )
    for (const name of names) {
      if (name.startsWith('@') ? await findIntegration(pool, name.slice(1)) : enabled.has(name)) continue
      await sessions.removeAll(`${name}/`)
      if (!name.startsWith('@')) await durable.forgetRetained(topics.status(name))
    }
  }
}
