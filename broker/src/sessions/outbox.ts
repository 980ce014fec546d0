import { limits } from '@telltale/infra/limits'
import type { ProblemLimit } from '@telltale/infra/storage/problems'
import type { Client } from 'aedes'
import { generate } from 'mqtt-packet'
import type { Qos, QueueEntry, SessionStore } from './store.ts'

const PACKET_ID_MAX = 65_535

/** A message on its way to subscribers; its QoS 0 form is encoded once for all of them. */
export interface Outgoing {
  topic: string
  payload: Buffer
  qos: Qos
  frame?: Buffer
}

export interface OutboxDeps {
  client: Client
  clientId: string
  isClean: boolean
  /** Of a clean session the one in memory. */
  store: SessionStore
  inFlightMax: number
  /** What may wait in the socket's buffer before messages of QoS 0 are dropped. */
  bufferBytesMax: number
  /** Asked before anything of the queue is sent: it was filled without asking, and rights may end. */
  mayReceive: (topic: string) => boolean
  onDropped: (count: number, limit?: ProblemLimit) => void
  /** Nothing could be written for so long that the client counts as gone. */
  onStuck: () => void
  onError: (error: unknown) => void
}

interface InFlight {
  entryId: string
  isReleased: boolean
}

/**
 * What one client is sent. Messages above QoS 0 wait in its stored queue; a window of them is in flight, in order,
 * each with its packet id until PUBACK or PUBCOMP. What was in flight when a connection ended is sent again first,
 * with the same packet ids ([MQTT-4.4.0-1]). Nobody waits for a slow reader: its queue is bounded, and messages of
 * QoS 0 are dropped and counted when its socket is full.
 */
export class Outbox {
  readonly #deps: OutboxDeps
  readonly #inFlight = new Map<number, InFlight>()
  /** Packet ids of commands, which are not queued here. */
  readonly #lent = new Set<number>()
  #nextPacketId = 1
  /** The newest entry that was read from the queue. */
  #cursor: string | undefined
  #isOpen = false
  #isPumping = false
  #isNudged = false
  /** Retained messages for new subscriptions, one after the other. */
  #retained: Promise<void> = Promise.resolve()
  #onProgress: (() => void)[] = []
  #stuckTimer: NodeJS.Timeout | undefined
  #onDrain: (() => void) | undefined
  /** Resolves when what was in flight before has been sent again: from then on new packet ids are known to be free. */
  readonly resumed: Promise<void>
  #resumed: () => void = () => {}

  constructor(deps: OutboxDeps) {
    this.#deps = deps
    this.resumed = new Promise((resolve) => {
      this.#resumed = resolve
    })
  }

  get clientId(): string {
    return this.#deps.clientId
  }

  get isClean(): boolean {
    return this.#deps.isClean
  }

  /** CONNACK has been sent. */
  open(): void {
    this.#isOpen = true
    this.pump()
  }

  close(): void {
    this.#isOpen = false
    clearTimeout(this.#stuckTimer)
    if (this.#onDrain) this.#deps.client.conn.removeListener('drain', this.#onDrain)
    this.#resumed()
    this.#tellProgress()
  }

  /** @param granted bounds what the publisher gave it */
  deliver(message: Outgoing, granted: Qos): void {
    const qos = lower(granted, message.qos)
    if (qos === 0) {
      message.frame ??= encode({ ...message, retain: false })
      return this.#writeOrDrop(message.frame)
    }
    // A stored session found it in its queue before the publisher got its PUBACK.
    if (this.isClean) this.#enqueue(message, qos, false)
    else this.pump()
  }

  /** A retained message for a new subscription. */
  deliverRetained(message: Outgoing, granted: Qos): Promise<void> {
    const qos = lower(granted, message.qos)
    this.#retained = this.#retained.then(() => this.#deliverRetained(message, qos)).catch(this.#deps.onError)
    return this.#retained
  }

  /** There may be more retained messages than fit a queue or a socket: each waits for room. */
  async #deliverRetained(message: Outgoing, qos: Qos): Promise<void> {
    for (;;) {
      // Listened for before it is looked: what happens meanwhile counts.
      const progress = new Promise<void>((resolve) => this.#onProgress.push(resolve))
      if (!this.#isOpen) return
      if (await this.#hasRoom(qos)) break
      await progress
    }
    if (!this.#isOpen) return
    if (qos === 0) this.#writeOrDrop(encode({ ...message, retain: true }))
    else await this.#enqueue(message, qos, true)
  }

  async #hasRoom(qos: Qos): Promise<boolean> {
    const { client, store, inFlightMax } = this.#deps
    if (client.conn.writableNeedDrain) {
      this.#awaitDrain()
      return false
    }
    // What the store holds, not what is in flight: one that was just acknowledged still has its place there.
    return qos === 0 || (await store.queueSize(this.clientId)).messages < inFlightMax
  }

  #tellProgress(): void {
    for (const resolve of this.#onProgress.splice(0)) resolve()
  }

  /** There may be something in the queue. */
  pump(): void {
    this.#isNudged = true
    if (this.#isPumping || !this.#isOpen) return
    this.#isPumping = true
    this.#run()
      .catch(this.#deps.onError)
      .finally(() => {
        this.#isPumping = false
        // Nudged in the very moment it ended.
        if (this.#isNudged) this.pump()
      })
  }

  /** PUBACK or PUBCOMP. @returns whether it was for one of the queued messages */
  acknowledged(packetId: number): boolean {
    const sent = this.#inFlight.get(packetId)
    if (!sent) return false
    this.#inFlight.delete(packetId)
    this.#deps.store
      .settled(this.clientId, sent.entryId)
      .then(() => this.#tellProgress())
      .catch(this.#deps.onError)
    this.pump()
    return true
  }

  /** PUBREC: kept before PUBREL goes out. */
  async received(packetId: number): Promise<void> {
    const sent = this.#inFlight.get(packetId)
    if (!sent || sent.isReleased) return
    sent.isReleased = true
    await this.#deps.store.released(this.clientId, sent.entryId)
  }

  /** A packet id for a message that is not in the queue, until `giveBack`. Call after `resumed`. */
  lendPacketId(): number {
    const packetId = this.#takePacketId()
    this.#lent.add(packetId)
    return packetId
  }

  giveBack(packetId: number): void {
    this.#lent.delete(packetId)
  }

  async #enqueue(message: Outgoing, qos: 1 | 2, retain: boolean): Promise<void> {
    const { store, onDropped, onError } = this.#deps
    const { topic, payload } = message
    try {
      const drops = await store.enqueue([{ clientId: this.clientId, qos }], { topic, payload, qos, retain })
      for (const { dropped } of drops) onDropped(dropped)
      this.pump()
    } catch (error) {
      onError(error)
    }
  }

  async #run(): Promise<void> {
    const { client, store } = this.#deps
    while (this.#isNudged && this.#isOpen) {
      this.#isNudged = false
      for (;;) {
        const room = this.#deps.inFlightMax - this.#inFlight.size
        if (room <= 0) break
        if (client.conn.writableNeedDrain) {
          this.#awaitDrain()
          break
        }
        const entries = await store.read(this.clientId, this.#cursor, room)
        if (!this.#isOpen || entries.length === 0) break
        await this.#send(entries)
      }
      this.#resumed()
      this.#tellProgress()
    }
  }

  async #send(read: QueueEntry[]): Promise<void> {
    const entries = read.filter((entry) => entry.isReleased || this.#deps.mayReceive(entry.topic))
    if (entries.length < read.length)
      for (const entry of read)
        if (!entries.includes(entry)) await this.#deps.store.settled(this.clientId, entry.id)
    const fresh: { entryId: string; packetId: number }[] = []
    const again = new Set<QueueEntry>()
    for (const entry of entries) {
      if (entry.packetId === undefined) continue
      again.add(entry)
      this.#inFlight.set(entry.packetId, { entryId: entry.id, isReleased: entry.isReleased ?? false })
    }
    for (const entry of entries) {
      if (entry.packetId !== undefined) continue
      entry.packetId = this.#takePacketId()
      this.#inFlight.set(entry.packetId, { entryId: entry.id, isReleased: false })
      fresh.push({ entryId: entry.id, packetId: entry.packetId })
    }
    // Kept before they go out: after a crash they must go out with the same ids.
    if (fresh.length > 0) await this.#deps.store.sending(this.clientId, fresh)
    if (!this.#isOpen) return
    this.#cursor = read.at(-1)?.id
    for (const entry of entries) this.#write(frameOf(entry, again.has(entry)))
  }

  #takePacketId(): number {
    for (;;) {
      const packetId = this.#nextPacketId
      this.#nextPacketId = packetId === PACKET_ID_MAX ? 1 : packetId + 1
      if (!this.#inFlight.has(packetId) && !this.#lent.has(packetId)) return packetId
    }
  }

  #writeOrDrop(frame: Buffer): void {
    if (!this.#isOpen) return
    const { client, bufferBytesMax: allowed, onDropped } = this.#deps
    const { writableLength: value } = client.conn
    if (value > allowed) return onDropped(1, { name: 'bytes waiting in its socket', value, allowed })
    this.#write(frame)
  }

  #write(frame: Buffer): void {
    if (!this.#deps.client.conn.write(frame)) this.#awaitDrain()
  }

  #awaitDrain(): void {
    if (this.#stuckTimer) return
    this.#stuckTimer = setTimeout(this.#deps.onStuck, limits.sessions.stuckMs)
    this.#onDrain = () => {
      clearTimeout(this.#stuckTimer)
      this.#stuckTimer = undefined
      this.#tellProgress()
      this.pump()
    }
    this.#deps.client.conn.once('drain', this.#onDrain)
  }
}

function frameOf(entry: QueueEntry, isAgain: boolean): Buffer {
  if (entry.isReleased) return generate({ cmd: 'pubrel', messageId: entry.packetId as number })
  return encode({ ...entry, dup: isAgain, messageId: entry.packetId as number })
}

function encode(message: {
  topic: string
  payload: Buffer
  qos: Qos
  retain: boolean
  dup?: boolean
  messageId?: number
}): Buffer {
  const { topic, payload, qos, retain, dup = false, messageId } = message
  if (messageId === undefined) return generate({ cmd: 'publish', topic, payload, qos: 0, retain, dup })
  return generate({ cmd: 'publish', topic, payload, qos, retain, dup, messageId })
}

function lower(a: Qos, b: Qos): Qos {
  return Math.min(a, b) as Qos
}
