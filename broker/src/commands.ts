import { isUtf8 } from 'node:buffer'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { retry } from '@telltale/infra/retry'
import {
  type CommandRecord,
  finishOverdueCommands,
  listDevicesWithDueCommands,
  listDueCommands,
  type TransitionName,
  transitionCommand,
} from '@telltale/infra/storage/commands'
import { isTransient } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import type { Client } from 'aedes'
import { generate } from 'mqtt-packet'
import { onPuback } from './aedes-client.ts'
import {
  type CommandPayload,
  filterMatches,
  type ReplyPayload,
  type ReplyStatus,
  replyStatuses,
  topics,
} from './contract/index.ts'
import type { Outbox } from './sessions/outbox.ts'
import type { Attached } from './sessions/sessions.ts'

const BACKOFF = { minMs: 100, maxMs: 2_000 }

/** A device's way to receive: its live client and what was sent to it and not acknowledged yet. */
interface Lane {
  client: Client
  /** Gives packet ids that are free. */
  outbox: Outbox
  /** What the device subscribed to. */
  filters: Attached['filters']
  /** Packet id → command id, until its PUBACK. */
  unacknowledged: Map<number, string>
  /** Packets of commands that a reply or their time has finished: they block nothing, a late PUBACK still counts. */
  settled: Map<number, string>
  isDispatching: boolean
  /** A nudge came while dispatching: look once more. */
  isNudged: boolean
}

/**
 * Sends queued commands to the devices connected here. Rows are the truth and messages are nudges: a lost nudge is
 * found by the sweep, a lost connection by the next connect. One command is in flight per device, so their order
 * stays. Delivered means the device's PUBACK.
 */
export class CommandDispatcher {
  readonly #deps: { pool: Pool; log: Logger; publish: (record: CommandRecord) => void }
  readonly #lanes = new Map<string, Lane>()
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined

  constructor(deps: { pool: Pool; log: Logger; publish: (record: CommandRecord) => void }) {
    this.#deps = deps
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#sweeping ??= this.#sweep().finally(() => {
        this.#sweeping = undefined
      })
    }, limits.commands.sweepMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
  }

  connected(deviceId: string, { client, outbox, filters }: Attached): void {
    const lane: Lane = {
      client,
      outbox,
      filters,
      unacknowledged: new Map(),
      settled: new Map(),
      isDispatching: false,
      isNudged: false,
    }
    this.#lanes.set(deviceId, lane)
    onPuback(client, (packetId) => void this.#acknowledged(deviceId, lane, packetId))
    this.nudge(deviceId)
  }

  disconnected(deviceId: string, client: Client): void {
    if (this.#lanes.get(deviceId)?.client === client) this.#lanes.delete(deviceId)
  }

  /** There may be something to send: after a connect, a subscribe, a PUBACK, or word from the API. */
  nudge(deviceId: string): void {
    const lane = this.#lanes.get(deviceId)
    if (!lane) return
    lane.isNudged = true
    if (!lane.isDispatching) void this.#dispatch(deviceId, lane)
  }

  /** Settles a command by the device's reply; one that is late, double or not this device's changes nothing. */
  async reply(deviceId: string, commandId: string, reply: ReplyPayload): Promise<void> {
    const record = await this.#transition(deviceId, commandId, replyTransition(reply))
    if (record?.finishedAt) this.#unblock(record)
  }

  async #dispatch(deviceId: string, lane: Lane): Promise<void> {
    lane.isDispatching = true
    try {
      while (lane.isNudged && this.#lanes.get(deviceId) === lane) {
        lane.isNudged = false
        if (lane.unacknowledged.size < limits.commands.inFlightPerDeviceMax)
          await this.#sendNext(deviceId, lane)
      }
    } catch (error) {
      this.#deps.log.warn({ err: error, deviceId }, 'commands could not be sent; the sweep tries again')
    } finally {
      lane.isDispatching = false
    }
  }

  async #sendNext(deviceId: string, lane: Lane): Promise<void> {
    await lane.outbox.resumed
    // Most have not subscribed yet when they connect: a whole fleet would ask the database in vain.
    if (!mayHear(lane, topics.command(deviceId, ''))) return
    const room = limits.commands.inFlightPerDeviceMax - lane.unacknowledged.size
    for (const due of await listDueCommands(this.#deps.pool, deviceId, room)) {
      const topic = topics.command(deviceId, due.id)
      if (!hears(lane, topic)) return
      // Marked before it is written: a crash in between leaves a `sent` row, which the next connect sends again.
      if (due.status === 'queued' && !(await this.#transition(deviceId, due.id, { to: 'sent' }))) {
        // Cancelled, or sent by the connection before this one just now: look again.
        lane.isNudged = true
        continue
      }
      if (lane.client.closed) return
      const messageId = lane.outbox.lendPacketId()
      lane.unacknowledged.set(messageId, due.id)
      const message = { topic, payload: encodeCommand(due), qos: 1, retain: false, dup: false } as const
      // Past the session's queue: that would send it again after it expired.
      lane.client.conn.write(generate({ cmd: 'publish', messageId, ...message }))
    }
  }

  async #acknowledged(deviceId: string, lane: Lane, packetId: number): Promise<void> {
    const commandId = lane.unacknowledged.get(packetId) ?? lane.settled.get(packetId)
    if (commandId === undefined) return
    try {
      const record = () => this.#transition(deviceId, commandId, { to: 'delivered' })
      // Not given up while the database is away: what is not recorded as delivered would be sent again.
      await retry(record, { ...BACKOFF, isRetryable: isTransient })
    } catch (error) {
      this.#deps.log.warn({ err: error, deviceId, commandId }, 'a delivery could not be recorded')
    }
    lane.unacknowledged.delete(packetId)
    lane.settled.delete(packetId)
    lane.outbox.giveBack(packetId)
    this.nudge(deviceId)
  }

  async #transition(
    deviceId: string,
    id: string,
    change: { to: TransitionName; detail?: unknown },
  ): Promise<CommandRecord | undefined> {
    const record = await transitionCommand(this.#deps.pool, { id, deviceId, ...change })
    if (record) this.#deps.publish(record)
    return record
  }

  async #sweep(): Promise<void> {
    try {
      for (const record of await finishOverdueCommands(this.#deps.pool)) {
        this.#deps.publish(record)
        this.#unblock(record)
      }
      for (const deviceId of await listDevicesWithDueCommands(this.#deps.pool, [...this.#lanes.keys()]))
        this.nudge(deviceId)
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'the command sweep failed; it runs again')
    }
  }

  /** A finished command no longer blocks the ones behind it, acknowledged or not. */
  #unblock({ deviceId, id }: CommandRecord): void {
    const lane = this.#lanes.get(deviceId)
    if (!lane) return
    for (const [packetId, commandId] of lane.unacknowledged)
      if (commandId === id) {
        lane.unacknowledged.delete(packetId)
        lane.settled.set(packetId, commandId)
      }
    for (const packetId of lane.settled.keys()) {
      if (lane.settled.size <= limits.commands.queuedPerDeviceMax) break
      lane.settled.delete(packetId)
      lane.outbox.giveBack(packetId)
    }
    this.nudge(deviceId)
  }
}

/** Whether it could ask for a command at all; `root` is where their topics begin. */
function mayHear({ filters }: Lane, root: string): boolean {
  return [...filters].some(([filter, { qos }]) => qos > 0 && (filter.startsWith(root) || /[#+]/.test(filter)))
}

/** Whether the client asked for this topic with an acknowledged delivery. */
function hears({ filters }: Lane, topic: string): boolean {
  return [...filters].some(([filter, { qos }]) => qos > 0 && filterMatches(filter, topic))
}

function encodeCommand(due: CommandRecord & { ttlLeftMs: number }): Buffer {
  const payload: CommandPayload = {
    name: due.name,
    params: due.params,
    sentAt: Date.now(),
    ttlMs: due.ttlLeftMs,
  }
  return Buffer.from(JSON.stringify(payload))
}

/** @returns undefined when the payload is not a reply */
export function decodeReply(payload: Buffer): ReplyPayload | undefined {
  try {
    if (!isUtf8(payload)) return undefined
    const parsed = JSON.parse(payload.toString('utf8')) as Partial<ReplyPayload> | null
    if (typeof parsed !== 'object' || parsed === null) return undefined
    if (!replyStatuses.includes(parsed.status as ReplyStatus)) return undefined
    if (parsed.error !== undefined && typeof parsed.error !== 'string') return undefined
    if (!isStorable(parsed)) return undefined
    return parsed as ReplyPayload
  } catch {
    return undefined
  }
}

/** PostgreSQL's jsonb and text cannot hold U+0000, nor half a surrogate pair. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => isStorable(key) && isStorable(inner))
}

function replyTransition({ status, result, error }: ReplyPayload): { to: TransitionName; detail?: unknown } {
  switch (status) {
    case 'accepted':
      return { to: 'accepted' }
    case 'progress':
      return { to: 'progress', detail: result ?? null }
    case 'succeeded':
      return { to: 'succeeded', detail: result ?? null }
    case 'failed':
    case 'rejected':
      return { to: status, detail: { result: result ?? null, error: error ?? null } }
  }
}
