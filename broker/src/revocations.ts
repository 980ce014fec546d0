import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { enabledDevices, findLosersSince, findRevoked } from '@telltale/infra/storage/credentials'
import { findIntegration, findRevokedIntegrations } from '@telltale/infra/storage/integrations'
import type { Pool } from '@telltale/infra/storage/pool'
import { ownerOf } from './attachment.ts'
import type { Clients, CredentialInUse } from './clients.ts'
import { topics } from './contract/index.ts'
import { forEach } from './for-each.ts'
import type { PromptDatabase } from './prompt-database.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { SessionStore } from './sessions/store.ts'
import type { SignInMemory } from './sign-in-memory.ts'

/** A revocation becomes visible when its transaction commits, later than its time says. */
const OVERLAP_MS = 30_000

export interface RevocationsDeps {
  pool: Pool
  database: Pick<PromptDatabase, 'isThere'>
  memory: SignInMemory
  clients: Clients
  sessions: Sessions
  durable: SessionStore
  expiryMs: number
  log: Logger
}

/**
 * Takes back what a device or an integration had when its right ends: the connection, and once it is disabled or
 * deleted also its sessions with what is queued, and the retained messages below its root.
 */
export class Revocations {
  readonly #deps: RevocationsDeps
  readonly #changed = new Set<string>()
  #rounds: Promise<void> | undefined
  #checkedMs = performance.now()
  #fullMs = performance.now()

  constructor(deps: RevocationsDeps) {
    this.#deps = deps
  }

  /**
   * Word that something changed about this device, or `@integration`. Of a change of thousands they come one after the
   * other; what comes within a moment is one round. A round that fails is left to the net. While the database cannot
   * say which credential it was, all connections of that name end: who may come back is asked when it answers.
   */
  changed(name: string): void {
    this.#deps.memory.doubt(name)
    this.#changed.add(name)
    this.#rounds ??= this.#carryOut()
  }

  async #carryOut(): Promise<void> {
    while (this.#changed.size > 0) {
      await sleep(limits.broker.revocationGatherMs)
      const names = [...this.#changed]
      this.#changed.clear()
      try {
        if (!(await this.#deps.database.isThere())) {
          for (const name of names) this.#deps.clients.closeNamed(name, 'revoked')
          continue
        }
        await this.#closeRevoked(names)
        await this.#forgetUnlessEnabled(names)
      } catch (err) {
        this.#deps.log.warn({ err, names: names.length }, 'revocations could not be carried out')
      }
    }
    this.#rounds = undefined
  }

  /**
   * The net under a lost word, every two seconds: closes connections whose secret is no longer good. Asked are those
   * that lost something lately, by the database's clock, and now and then all: 10,000 at a time would disturb ingest.
   */
  async check(): Promise<void> {
    const nowMs = performance.now()
    const isFull = nowMs - this.#fullMs > limits.sessions.sweepMs
    const sinceMs = nowMs - this.#checkedMs + OVERLAP_MS
    const losers = new Set(await findLosersSince(this.#deps.pool, sinceMs))
    for (const name of losers) this.#deps.memory.doubt(name)
    await this.#doubtIntegrations()
    const connected = [...this.#deps.clients.names()]
    const asked = connected.filter((name) => name.startsWith('@') || isFull || losers.has(name))
    await this.#forgetUnlessEnabled(await this.#closeRevoked(asked))
    this.#checkedMs = nowMs
    if (isFull) this.#fullMs = nowMs
  }

  /** Those that may be remembered without being connected. */
  async #doubtIntegrations(): Promise<void> {
    const { pool, memory } = this.#deps
    const remembered = memory.integrations()
    if (remembered.length === 0) return
    for (const { name } of await findRevokedIntegrations(pool, remembered)) memory.doubt(`@${name}`)
  }

  /** @returns whose connections are gone now */
  async #closeRevoked(names: string[]): Promise<string[]> {
    const inUse = [...this.#deps.clients.credentialsInUse(names)]
    const askedMs = performance.now()
    const revoked = await this.#findRevoked(inUse)
    const ended = new Set(revoked.map(keyOf))
    for (const credential of inUse)
      if (!ended.has(keyOf(credential))) this.#deps.memory.confirm(credential, askedMs)
    await forEach(revoked, (credential) => this.#deps.clients.closeCredential(credential, 'revoked'))
    return [...new Set(revoked.map(({ name }) => name))]
  }

  async #findRevoked(inUse: CredentialInUse[]): Promise<{ name: string; hash: Buffer }[]> {
    const { pool } = this.#deps
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
    if (names.length === 0) return
    const { pool, sessions, durable } = this.#deps
    const devices = names.filter((name) => !name.startsWith('@'))
    const enabled = devices.length > 0 ? await enabledDevices(pool, devices) : new Set<string>()
    const gone = devices.filter((id) => !enabled.has(id))
    const goneIntegrations: string[] = []
    for (const name of names)
      if (name.startsWith('@') && !(await findIntegration(pool, name.slice(1)))) goneIntegrations.push(name)
    await sessions.removeAll(new Set([...gone, ...goneIntegrations]))
    await forEach(gone, (id) => durable.forgetRetained(topics.status(id)))
  }
}

function keyOf({ name, hash }: { name: string; hash: Buffer }): string {
  return `${name} ${hash.toString('hex')}`
}
