import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '@telltale/infra/retry'
import type { Client } from 'aedes'
import type { Sessions } from './sessions.ts'
import type { RetainedMessage, SessionStore, Subscription, Will } from './store.ts'
import type { StoredWills } from './stored-wills.ts'

const RETRY = { minMs: 100, maxMs: 2_000 }
const NOTHING = Promise.resolve()
const NOBODY = Promise.resolve([])
const UNKNOWN_PACKET = new Error('no such packet')

/** A stored session without subscriptions: aedes calls a session present only when it is given some. */
export const NO_SUBSCRIPTION = '$session'

export interface ForAedesDeps {
  sessions: Sessions
  wills: StoredWills
  durable: SessionStore
  memory: SessionStore
}

/**
 * aedes asks its "persistence" for everything that concerns sessions; this answers from ours. Storing and queueing
 * what is published is done before the PUBACK (Sessions.keep), so what aedes asks for behind it has nothing to do.
 */
export function persistenceForAedes({ sessions, wills, durable, memory }: ForAedesDeps): object {
  const sessionOf = (client: Client) => {
    const attached = sessions.find(client)
    if (!attached) throw new Error('the client is gone')
    const { clientId, isClean } = attached.outbox
    return { clientId, store: isClean ? memory : durable }
  }
  return {
    async setup() {},
    async destroy() {},
    storeRetained: () => NOTHING,
    subscriptionsByTopic: () => NOBODY,
    outgoingEnqueueCombi: () => NOTHING,
    // Sent by the outbox itself, when CONNACK is out.
    outgoingStream: () => Readable.from([]),
    createRetainedStreamCombi: (filters: string[]) => Readable.from(retained(durable, filters)),

    async subscriptionsByClient({ id }: { id: string }) {
      const { isPresent = false, subscriptions = [] } = sessions.storedOf(id) ?? {}
      if (!isPresent) return []
      const stored: Subscription[] =
        subscriptions.length > 0 ? subscriptions : [{ filter: NO_SUBSCRIPTION, qos: 0 }]
      return stored.map(({ filter, qos }) => ({ topic: filter, qos }))
    },
    /** Kept by `authorizeSubscribe`, one by one: aedes would pass refused ones too. */
    addSubscriptions: () => NOTHING,
    async removeSubscriptions(client: Client, filters: string[]) {
      await sessions.unsubscribe(client, filters)
    },
    cleanSubscriptions: (client: Client) => sessions.discard(client.id),

    /** PUBREC of a stored session. */
    async outgoingUpdate(client: Client, { messageId }: { messageId: number }) {
      await sessions.find(client)?.outbox.received(messageId)
    },
    /** PUBACK or PUBCOMP. */
    async outgoingClearMessageId(client: Client, { messageId }: { messageId: number }) {
      sessions.find(client)?.outbox.acknowledged(messageId)
    },

    async incomingStorePacket(client: Client, { messageId }: { messageId: number }) {
      const { clientId, store } = sessionOf(client)
      await store.keepReceived(clientId, messageId)
    },
    async incomingGetPacket(client: Client, { messageId }: { messageId: number }) {
      const { clientId, store } = sessionOf(client)
      if (!(await store.isReceived(clientId, messageId))) throw UNKNOWN_PACKET
      return { messageId }
    },
    async incomingDelPacket(client: Client, { messageId }: { messageId: number }) {
      const { clientId, store } = sessionOf(client)
      await store.forgetReceived(clientId, messageId)
    },

    async putWill(client: Client, will: Will) {
      wills.put(client, will)
    },
    async delWill({ id }: { id: string }) {
      wills.remove(id)
    },
    streamWill: () => Readable.from([]),
  }
}

/** Waits while the store is away, and goes on where it was: aedes' stream of it has nobody who hears errors. */
async function* retained(durable: SessionStore, filters: string[]): AsyncGenerator<RetainedMessage> {
  const given = new Set<string>()
  for (let attempt = 0; ; attempt++) {
    try {
      for await (const message of durable.retained(filters)) {
        if (given.has(message.topic)) continue
        given.add(message.topic)
        yield message
      }
      return
    } catch {
      await sleep(backoffMs(RETRY, attempt))
    }
  }
}
