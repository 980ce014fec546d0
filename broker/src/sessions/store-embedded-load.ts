import type { Subscription, Will } from './store.ts'
import type { Database, Write } from './store-embedded-disk.ts'
import * as keys from './store-embedded-keys.ts'
import { decodeMessage } from './store-encoding.ts'
import { type LocalSession, LocalSessions, subscriptionsOf } from './store-local.ts'
import { RetainedMessages } from './store-retained.ts'

interface StoredSession {
  clientId: string
  subscriptions: Subscription[]
  idleSinceMs?: number
}

export interface Loaded {
  sessions: LocalSessions
  retained: RetainedMessages
  /** Broker id → client id → will. */
  wills: Map<string, Map<string, Will>>
}

export function sessionWrite(session: LocalSession): Write {
  const { number, clientId, idleSinceMs } = session
  const stored = { clientId, subscriptions: subscriptionsOf(session), idleSinceMs }
  return { type: 'put', key: keys.sessionKey(number), value: Buffer.from(JSON.stringify(stored)) }
}

/** Everything except queued messages; of these only sizes, which are in their keys. */
export async function load(database: Database): Promise<Loaded> {
  const { sessions, byNumber } = await loadSessions(database)
  for await (const key of database.keys(keys.rangeOf(keys.kinds.queue))) {
    const { session, id, size } = keys.parseQueueKey(key)
    byNumber.get(session)?.queue.restore(id, size)
  }
  for await (const [key, value] of database.iterator(keys.rangeOf(keys.kinds.inFlight))) {
    const { session, id } = keys.parseInFlightKey(key)
    byNumber.get(session)?.queue.setInFlight(id, keys.parseInFlightValue(value))
  }
  for await (const key of database.keys(keys.rangeOf(keys.kinds.received))) {
    const { session, packetId } = keys.parseReceivedKey(key)
    byNumber.get(session)?.received.add(packetId)
  }
  return { sessions, retained: await loadRetained(database), wills: await loadWills(database) }
}

async function loadSessions(database: Database) {
  const sessions = new LocalSessions()
  const byNumber = new Map<number, LocalSession>()
  const nowMs = Date.now()
  for await (const [key, value] of database.iterator(keys.rangeOf(keys.kinds.session))) {
    const stored: StoredSession = JSON.parse(value.toString())
    const session = sessions.restore({ number: key.readUInt32BE(1), ...stored })
    // Nobody is connected to a broker that starts: what was open at its end is idle from now on.
    session.idleSinceMs = stored.idleSinceMs ?? nowMs
    byNumber.set(session.number, session)
  }
  return { sessions, byNumber }
}

async function loadRetained(database: Database): Promise<RetainedMessages> {
  const retained = new RetainedMessages()
  for await (const value of database.values(keys.rangeOf(keys.kinds.retained)))
    retained.store(decodeMessage(value))
  return retained
}

async function loadWills(database: Database): Promise<Loaded['wills']> {
  const wills: Loaded['wills'] = new Map()
  for await (const [key, value] of database.iterator(keys.rangeOf(keys.kinds.will))) {
    const [brokerId, clientId] = keys.parseWillKey(key)
    const ofBroker = wills.get(brokerId) ?? new Map<string, Will>()
    wills.set(brokerId, ofBroker.set(clientId, decodeMessage(value)))
  }
  return wills
}
