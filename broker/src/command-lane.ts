import { limits } from '@telltale/infra/limits'
import type { CommandRecord } from '@telltale/infra/storage/commands'
import type { Client } from 'aedes'
import { generate } from 'mqtt-packet'
import { type CommandPayload, filterMatches, topics } from './contract/index.ts'
import type { Outbox } from './sessions/outbox.ts'
import type { Attached } from './sessions/sessions.ts'

/** A device's way to receive commands: its live client, and what was sent to it and not acknowledged yet. */
export class CommandLane {
  readonly deviceId: string
  readonly client: Client
  /** Gives packet ids that are free. */
  readonly #outbox: Outbox
  /** What the device subscribed to. */
  readonly #filters: Attached['filters']
  /** Packet id → command id, until its PUBACK. */
  readonly #unacknowledged = new Map<number, string>()
  /** Packets of commands that a reply or their time has finished: they block nothing, a late PUBACK still counts. */
  readonly #settled = new Map<number, string>()
  isDispatching = false
  /** A nudge came while dispatching: look once more. */
  isNudged = false

  constructor(deviceId: string, { client, outbox, filters }: Attached) {
    this.deviceId = deviceId
    this.client = client
    this.#outbox = outbox
    this.#filters = filters
  }

  /** From then on packet ids are known to be free. */
  get resumed(): Promise<void> {
    return this.#outbox.resumed
  }

  get isFull(): boolean {
    return this.#unacknowledged.size >= limits.commands.inFlightPerDeviceMax
  }

  /** Ids of the commands that stand in the way of the next ones. */
  get inFlight(): string[] {
    return [...this.#unacknowledged.values()]
  }

  /** Not while its socket takes nothing: what waits in a buffer would arrive after its time. */
  get isWritable(): boolean {
    return !this.client.closed && !this.client.conn.writableNeedDrain
  }

  /** Whether it could ask for a command at all. */
  get mayHear(): boolean {
    const root = topics.command(this.deviceId, '')
    return [...this.#filters].some(
      ([filter, { qos }]) => qos > 0 && (filter.startsWith(root) || /[#+]/.test(filter)),
    )
  }

  /** Whether the client asked for this command with an acknowledged delivery. */
  hears(commandId: string): boolean {
    const topic = topics.command(this.deviceId, commandId)
    return [...this.#filters].some(([filter, { qos }]) => qos > 0 && filterMatches(filter, topic))
  }

  send(command: CommandRecord, ttlMs: number): void {
    const messageId = this.#outbox.lendPacketId()
    this.#unacknowledged.set(messageId, command.id)
    const topic = topics.command(this.deviceId, command.id)
    const { name, params } = command
    const words: CommandPayload = { name, params, sentAt: Date.now(), ttlMs }
    const payload = Buffer.from(JSON.stringify(words))
    const message = { topic, payload, qos: 1, retain: false, dup: false } as const
    // Past the session's queue: that would send it again after it expired.
    this.client.conn.write(generate({ cmd: 'publish', messageId, ...message }))
  }

  commandOf(packetId: number): string | undefined {
    return this.#unacknowledged.get(packetId) ?? this.#settled.get(packetId)
  }

  acknowledged(packetId: number): void {
    this.#unacknowledged.delete(packetId)
    this.#settled.delete(packetId)
    this.#outbox.giveBack(packetId)
  }

  /** A finished command no longer blocks the ones behind it, acknowledged or not. */
  settle(commandId: string): void {
    for (const [packetId, id] of this.#unacknowledged)
      if (id === commandId) {
        this.#unacknowledged.delete(packetId)
        this.#settled.set(packetId, id)
      }
    for (const packetId of this.#settled.keys()) {
      if (this.#settled.size <= limits.commands.queuedPerDeviceMax) break
      this.#settled.delete(packetId)
      this.#outbox.giveBack(packetId)
    }
  }
}
