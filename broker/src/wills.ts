import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { retry } from '@telltale/infra/retry'
import { isUnfinished } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import { onlineDevices } from '@telltale/infra/storage/sessions'
import { type AcceptDeps, acceptPublish } from './accept.ts'
import { ownerOf } from './attachment.ts'
import { parseTopic } from './contract/index.ts'
import type { Router } from './router.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { SessionStore, Will } from './sessions/store.ts'
import { StampClock } from './telemetry.ts'

const BACKOFF = { minMs: 100, maxMs: 2_000 }

export interface WillsDeps extends AcceptDeps {
  pool: Pool
  stores: { durable: SessionStore }
  sessions: Sessions
  router: Router
  log: Logger
  /** Which of these clients are connected, to this broker or another. */
  findConnected: (clientIds: string[]) => Promise<Set<string>>
}

/**
 * The Last Wills of clients whose broker ended without sending them. Those of clients that are back are void: of
 * devices the session rows say so, whichever broker they came back to.
 */
export class Wills {
  readonly #deps: WillsDeps
  /** Clients of the earlier life that may come back. */
  #awaited: string[] = []

  constructor(deps: WillsDeps) {
    this.#deps = deps
  }

  /** Before anybody connects: what an earlier life of this broker left waits for its clients to come back. */
  async setAside(brokerId: string): Promise<void> {
    const { durable } = this.#deps.stores
    for (const { clientId, will } of await durable.takeWills(brokerId)) {
      await durable.putWill(asideOf(brokerId), clientId, will)
      this.#awaited.push(clientId)
    }
  }

  /** Sends what a broker that is gone has left. Each will is taken by one broker only. */
  async sendLeftBy(brokerId: string): Promise<void> {
    const { durable } = this.#deps.stores
    await this.#sendDue([
      ...(await durable.takeWills(brokerId)),
      ...(await durable.takeWills(asideOf(brokerId))),
    ])
  }

  async sendSetAside(brokerId: string): Promise<void> {
    await this.#herdIsBack()
    await this.#sendDue(await this.#deps.stores.durable.takeWills(asideOf(brokerId)))
  }

  /** Thousands take their time to sign in: while more and more of them are back, the others are waited for. */
  async #herdIsBack(): Promise<void> {
    const { willWaitMaxMs, willLookMs } = limits.sessions
    const endMs = performance.now() + willWaitMaxMs
    for (let count = 0; performance.now() < endMs; ) {
      const back = await this.#backOf(this.#awaited)
      if (back.size === count || back.size === this.#awaited.length) break
      count = back.size
      await sleep(willLookMs, undefined, { ref: false })
    }
    this.#awaited = []
  }

  /** Of these clients, those that are connected again, or whose device is, by whatever client id. */
  async #backOf(ids: string[]): Promise<Set<string>> {
    const { pool, findConnected } = this.#deps
    const online = await retry(() => onlineDevices(pool, [...new Set(ids.map(ownerOf))]), {
      ...BACKOFF,
      isRetryable: isUnfinished,
    })
    const back = await findConnected(ids)
    return new Set(ids.filter((id) => back.has(id) || online.has(ownerOf(id))))
  }

  async #sendDue(left: { clientId: string; will: Will }[]): Promise<void> {
    const { log } = this.#deps
    if (left.length === 0) return
    // They are taken: nobody else would send them.
    const back = await this.#backOf(left.map(({ clientId }) => clientId))
    const due = left.filter(({ clientId }) => !back.has(clientId))
    log.info({ left: left.length, due: due.length }, 'wills of a broker that is gone')
    for (const { clientId, will } of due) await this.#send(ownerOf(clientId), will)
  }

  async #send(owner: string, will: Will): Promise<void> {
    const topic = parseTopic(will.topic)
    // The platform has said it already.
    if (topic.kind === 'status') return
    if (topic.kind === 'telemetry' || topic.kind === 'metric') {
      const source = { deviceId: topic.deviceId, clock: new StampClock() }
      const packet = { cmd: 'publish' as const, dup: false, ...will }
      const accepted = { source, packet, topic, payload: will.payload, nowMs: Date.now() }
      await new Promise<void>((done) => acceptPublish(this.#deps, { ...accepted, done }))
      return this.#publish(packet)
    }
    this.#deps.log.debug({ owner, topic: will.topic }, 'a will is sent late')
    await this.#publish(will)
  }

  async #publish({ topic, payload, qos, retain }: Will): Promise<void> {
    const packet = { topic, payload, qos, retain }
    await this.#deps.sessions.keep(packet)
    this.#deps.router.publish(packet)
  }
}

function asideOf(brokerId: string): string {
  return `${brokerId}/aside`
}
