import type { Logger } from '@telltale/infra/log'
import type { Client } from 'aedes'
import { saidDisconnect } from '../aedes-client.ts'
import type { SessionStore, Will } from './store.ts'

/** The Last Wills of the clients connected here, kept for whoever finds this broker gone. */
export class StoredWills {
  readonly #deps: { brokerId: string; durable: SessionStore; log: Logger }
  /** Whose the stored will of a client id is: connections of one client id overlap. */
  readonly #ofClient = new Map<string, { client: Client; will: Will }>()
  #isHolding = false

  constructor(deps: { brokerId: string; durable: SessionStore; log: Logger }) {
    this.#deps = deps
  }

  /** While the store is away the client is served without. */
  put(client: Client, will: Will): void {
    this.#ofClient.set(client.id, { client, will })
    this.#store(client.id, will)
  }

  /** Whoever took this broker for gone has taken them; those of clients that are connected are void to him. */
  putAgain(): void {
    for (const [clientId, { client, will }] of this.#ofClient) if (!client.closed) this.#store(clientId, will)
  }

  /** aedes names the client id only: the will of a connection that lives is not meant. */
  remove(clientId: string): void {
    const client = this.#ofClient.get(clientId)?.client
    if (!client?.closed || (this.#isHolding && !saidDisconnect(client))) return
    this.#ofClient.delete(clientId)
    this.#quietly(this.#deps.durable.removeWill(this.#deps.brokerId, clientId))
  }

  /** From now on connections end because we stop: wills stay for the next start, but of those that said goodbye. */
  hold(): void {
    this.#isHolding = true
  }

  #store(clientId: string, will: Will): void {
    this.#quietly(this.#deps.durable.putWill(this.#deps.brokerId, clientId, will))
  }

  #quietly(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#deps.log.warn({ err: error }, 'a will could not be kept or forgotten'),
    )
  }
}
