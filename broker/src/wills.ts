import type { Logger } from '@telltale/infra/log'
import type { Pool } from '@telltale/infra/storage/pool'
import { onlineDevices } from '@telltale/infra/storage/sessions'
import { type AcceptDeps, acceptPublish } from './accept.ts'
import { parseTopic } from './contract/index.ts'
import type { Router } from './router.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { SessionStore, Will } from './sessions/store.ts'
import { StampClock } from './telemetry.ts'

export interface WillsDeps extends AcceptDeps {
  pool: Pool
  stores: { durable: SessionStore }
  sessions: Sessions
  router: Router
  log: Logger
}

/**
 * The Last Wills of clients whose broker ended without sending them. Those of clients that are back are void: of
 * devices the session rows say so, whichever broker they came back to.
 */
export class Wills {
  readonly #deps: WillsDeps

  constructor(deps: WillsDeps) {
    this.#deps = deps
  }

  /** Sends what a broker that is gone has left. Each will is taken by one broker only. */
  async sendLeftBy(brokerId: string): Promise<void> {
    const { pool, stores, sessions, log } = this.#deps
    const left = await stores.durable.takeWills(brokerId)
    if (left.length === 0) return
    const online = await onlineDevices(pool, [...new Set(left.map(({ clientId }) => ownerOf(clientId)))])
    const back = new Set(sessions.liveClientIds)
    const due = left.filter(({ clientId }) => !back.has(clientId) && !online.has(ownerOf(clientId)))
    log.info({ brokerId, left: left.length, due: due.length }, 'wills of a broker that is gone')
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

/** Client ids are `{principal}/{client id}`. */
function ownerOf(clientId: string): string {
  return clientId.split('/', 1)[0] ?? ''
}
