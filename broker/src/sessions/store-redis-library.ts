// @ts-expect-error: this file of the library has no types; `Library` is the part we use.
import AsyncPersistence from 'aedes-persistence-redis/asyncPersistence.js'
import type { Redis } from 'ioredis'

/**
 * The part of aedes-persistence-redis 12 that we use: subscriptions, with its trie and its broadcast, and QoS 2 packet
 * ids. Read `asyncPersistence.js` and aedes-persistence's `broadcastPersistence.js` on every upgrade: the key names and
 * topics below are theirs.
 */
export interface Library {
  setup(broker: LibraryBroker): Promise<void>
  addSubscriptions(client: { id: string }, subscriptions: LibrarySubscription[]): Promise<void>
  /** Never resolves for an empty list. */
  removeSubscriptions(client: { id: string }, filters: string[]): Promise<void>
  subscriptionsByClient(client: { id: string }): Promise<LibrarySubscription[]>
  /** One for each filter that matches; QoS 0 too when they were there at the start. */
  subscriptionsByTopic(topic: string): Promise<(LibrarySubscription & { clientId: string })[]>
  /** Subscriptions in the trie. */
  countOffline(): Promise<{ subsCount: number }>
  incomingStorePacket(client: { id: string }, packet: { messageId: number }): Promise<void>
  /** Rejects with `no such packet`. */
  incomingGetPacket(client: { id: string }, packet: { messageId: number }): Promise<unknown>
  incomingDelPacket(client: { id: string }, packet: { messageId: number }): Promise<void>
  cleanIncoming(client: { id: string }): Promise<void>
}

export interface LibrarySubscription {
  topic: string
  qos: 0 | 1 | 2
}

export interface LibraryPacket {
  topic: string
  payload: string | Buffer
}

export type LibraryListener = (packet: LibraryPacket, done: () => void) => void

/** What the library wants of a broker. */
export interface LibraryBroker {
  id: string
  publish(packet: LibraryPacket, done: (error?: Error) => void): void
  subscribe(topic: string, listener: LibraryListener, done: (error?: Error) => void): void
  unsubscribe(topic: string, listener: LibraryListener, done: (error?: Error) => void): void
}

/** Topics the library publishes on, and our own among them that shows whether messages come back. */
export const libraryTopics = { all: '$SYS/sub/+', probe: '$SYS/sub/probe' } as const

export const libraryKeys = {
  subscriptions: (clientId: string) => `client:${encodeURIComponent(clientId)}`,
  received: (clientId: string) => `incoming:${encodeURIComponent(clientId)}`,
}

export function createLibrary(conn: Redis): Library {
  return new AsyncPersistence({ conn })
}
