/**
 * What MQTT sessions need kept: subscriptions, queued messages, retained messages, QoS 2 state, Last Wills. Three
 * implementations (memory, embedded, Redis) pass one contract suite, store.contract.test.ts. All promises resolve
 * when what was asked survives `kill -9` of the broker (memory: at once); they reject when the store is away, and the
 * caller tries again or refuses, but never acknowledges.
 *
 * Client ids are the broker's internal ones: `{principal}/{client id}`, unique over all devices and integrations.
 */
export interface SessionStore {
  start(): Promise<void>
  stop(): Promise<void>

  /** Makes the session if there is none, and ends its idle time. @returns whether it was there before */
  open(clientId: string): Promise<{ isPresent: boolean; subscriptions: Subscription[] }>
  /** The client is gone: from now on the session is idle, and expires. */
  leave(clientId: string): Promise<void>
  /** Subscriptions, queue, QoS 2 state: everything of this session. No error when there is none. */
  remove(clientId: string): Promise<void>
  /** Stored sessions whose client id begins with `prefix` (one principal's); used when a principal loses its right. */
  list(prefix: string): Promise<string[]>
  /**
   * Removes sessions whose client id begins with `prefix` (`{principal}/`), those idle longest first and never an open
   * one, until so many are left. @returns the client ids of those removed
   */
  trim(prefix: string, count: number): Promise<string[]>
  /** Removes sessions idle for longer than `idleMs`. @returns their client ids */
  expire(idleMs: number): Promise<string[]>

  /** Whether there is any stored subscription above QoS 0 at all: while not, `match` need not be asked. */
  readonly hasSubscriptions: boolean

  subscribe(clientId: string, subscriptions: Subscription[]): Promise<void>
  unsubscribe(clientId: string, filters: string[]): Promise<void>
  /** Stored subscriptions above QoS 0 that match, on whichever broker they were made: a session once, highest QoS. */
  match(topic: string): Promise<Target[]>

  /**
   * Appends a message to the queue of each target, at the lower of the two QoS. A queue beyond its bound (messages
   * or bytes) loses its oldest messages that are not in flight. @returns how many each target lost, if any
   */
  enqueue(targets: Target[], message: QueuedMessage): Promise<Drop[]>
  /** At most `count` messages in order of arrival, those in flight included, beginning behind `after`. */
  read(clientId: string, after: string | undefined, count: number): Promise<QueueEntry[]>
  /** They go out with these packet ids now; kept, because a reconnect must send them with the same ones. */
  sending(clientId: string, sent: { entryId: string; packetId: number }[]): Promise<void>
  /** QoS 2: PUBREC came, only PUBREL may be sent from now on. */
  released(clientId: string, entryId: string): Promise<void>
  /** PUBACK or PUBCOMP came: the message leaves the queue. */
  settled(clientId: string, entryId: string): Promise<void>
  queueSize(clientId: string): Promise<{ messages: number; bytes: number }>

  /** Keeps or replaces the retained message of a topic; an empty payload forgets it. */
  retain(message: RetainedMessage): Promise<void>
  /** Each matching retained message once, however many filters match it. Filters without wildcards are looked up. */
  retained(filters: string[]): AsyncIterable<RetainedMessage>
  /** Retained messages in one group: the topics below `devices/{id}/`, or those sharing their first two levels. */
  retainedCount(topic: string): Promise<number>
  /** All that are kept; in Redis, where they take no memory of ours, their groups. */
  retainedTotal(): Promise<{ messages: number; bytes: number }>
  /** Forgets the whole group. */
  forgetRetained(topic: string): Promise<void>

  /** A QoS 2 message came in; its packet id is taken until `forgetReceived`. */
  keepReceived(clientId: string, packetId: number): Promise<void>
  isReceived(clientId: string, packetId: number): Promise<boolean>
  forgetReceived(clientId: string, packetId: number): Promise<void>

  putWill(brokerId: string, clientId: string, will: Will): Promise<void>
  removeWill(brokerId: string, clientId: string): Promise<void>
  /** Takes all wills a broker left; of several takers one gets them. */
  takeWills(brokerId: string): Promise<{ clientId: string; will: Will }[]>
}

export type Qos = 0 | 1 | 2

export interface Subscription {
  filter: string
  qos: Qos
}

export interface Target {
  clientId: string
  qos: 1 | 2
}

export interface QueuedMessage {
  topic: string
  payload: Buffer
  qos: 1 | 2
  /** Sent because of a new subscription. */
  retain: boolean
}

export interface QueueEntry extends QueuedMessage {
  /** Opaque; entries of one queue are read in their order. */
  id: string
  /** In flight: sent with this packet id. */
  packetId?: number
  /** QoS 2 in flight: the receiver has it (PUBREC). */
  isReleased?: boolean
}

export interface Drop {
  clientId: string
  dropped: number
}

export interface RetainedMessage {
  topic: string
  payload: Buffer
  qos: Qos
}

export interface Will extends RetainedMessage {
  retain: boolean
}

/** Bounds of every stored queue. */
export interface QueueBounds {
  messagesMax: number
  bytesMax: number
}
