import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { retry } from '@telltale/infra/retry'
import {
  type CommandChange,
  noteLateReply,
  transitionCommand,
} from '@telltale/infra/storage/command-transitions'
import { type CommandRecord, getCommand } from '@telltale/infra/storage/commands'
import {
  type DueCommand,
  finishOverdueCommands,
  listDevicesWithDueCommands,
  listDueCommands,
  listOpenCommands,
} from '@telltale/infra/storage/due-commands'
import { isTransient, isUnfinished } from '@telltale/infra/storage/errors'
import { inTransaction, type Pool } from '@telltale/infra/storage/pool'
import type { Client } from 'aedes'
import { onPuback } from './aedes-client.ts'
import { CommandClock } from './command-clock.ts'
import { CommandLane } from './command-lane.ts'
import { replyTransition } from './command-replies.ts'
import type { ReplyPayload } from './contract/index.ts'
import { InTurn } from './in-turn.ts'
import type { Attached } from './sessions/sessions.ts'
import { Trouble } from './trouble.ts'

const BACKOFF = { minMs: 100, maxMs: 2_000 }

/**
 * Sends queued commands to the devices connected here. Rows are the truth and messages are nudges: a lost nudge is
 * found by the sweep, a lost connection by the next connect. One command is in flight per device, so their order
 * stays. Delivered means the device's PUBACK.
 */
export class CommandDispatcher {
  readonly #deps: CommandDeps
  readonly #clock: CommandClock
  readonly #sweepTrouble: Trouble
  readonly #sendTrouble: Trouble
  readonly #lanes = new Map<string, CommandLane>()
  /** What is told of one command is told in the order of its changes. */
  readonly #inTurn = new InTurn()
  /** Of the devices that could be sent something. */
  #askedUpTo = 0
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined

  constructor(deps: CommandDeps) {
    this.#deps = deps
    this.#clock = new CommandClock(deps)
    this.#sweepTrouble = new Trouble(deps.log, 'the command sweep failed; it runs again')
    this.#sendTrouble = new Trouble(deps.log, 'commands could not be sent; the sweep tries again')
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

  connected(deviceId: string, attached: Attached): void {
    const lane = new CommandLane(deviceId, attached)
    this.#lanes.set(deviceId, lane)
    onPuback(attached.client, (packetId) => void this.#acknowledged(lane, packetId))
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
    if (!lane.isDispatching) void this.#dispatch(lane)
  }

  /**
   * One API has queued or cancelled it. Once it has moved on, whoever moved it tells every step: the newest one, told
   * from here, would overtake those before it, and they would never be shown.
   */
  changedByApi(id: string): void {
    this.#tellRow(id, ({ status }) => status === 'queued' || status === 'cancelled')
  }

  /** Its row says what was not told: the answer to a change was lost. */
  #changed(id: string): void {
    this.#tellRow(id, () => true)
  }

  #tellRow(id: string, isMeant: (record: CommandRecord) => boolean): void {
    const read = async () => {
      const record = await getCommand(this.#deps.pool, id)
      return record && isMeant(record) ? record : undefined
    }
    const tell = () => this.#tellInTurn(id, read)
    retry(tell, { ...BACKOFF, isRetryable: isTransient }).catch((error) => {
      this.#deps.log.warn({ err: error, commandId: id }, 'a command could not be told')
    })
  }

  /** Settles a command by the device's reply. One that is late is noted; one that is not this device's is not. */
  async reply({ deviceId, commandId, isRepeated }: Answered, reply: ReplyPayload): Promise<void> {
    const change = { ...replyTransition(reply), isRepeated }
    const record = await this.#transition(deviceId, commandId, change)
    if (!record) {
      if (isRepeated) this.#changed(commandId)
      const { status, result, error } = reply
      const words = { status, result, error }
      return noteLateReply(this.#deps.pool, { id: commandId, deviceId, ...change, words })
    }
    if (record.finishedAt) this.#unblock(record)
  }

  async #dispatch(lane: CommandLane): Promise<void> {
    const { deviceId } = lane
    lane.isDispatching = true
    try {
      while (lane.isNudged && this.#lanes.get(deviceId) === lane) {
        lane.isNudged = false
        if (!lane.isFull) await this.#sendNext(lane)
      }
    } catch (error) {
      this.#sendTrouble.failed(error, { deviceId })
    } finally {
      lane.isDispatching = false
    }
  }

  async #sendNext(lane: CommandLane): Promise<void> {
    await lane.resumed
    // Most have not subscribed yet when they connect: a whole fleet would ask the database in vain.
    if (!lane.mayHear) return
    const limit = limits.commands.inFlightPerDeviceMax
    const nowMs = await this.#clock.now()
    for (const due of await listDueCommands(this.#deps.pool, lane.deviceId, { limit, nowMs })) {
      if (lane.inFlight.includes(due.id)) continue
      if (!lane.hears(due.id) || !lane.isWritable) return
      // Marked before it is written: a crash in between leaves a `sent` row, which the next connect sends again.
      if (due.status === 'queued' && !(await this.#markSent(due))) {
        // Cancelled, or sent by the connection before this one just now: look again.
        lane.isNudged = true
        continue
      }
      const ttlLeftMs = Math.min(due.ttlMs, Math.ceil(due.expiresMs - (await this.#clock.now())))
      if (ttlLeftMs <= 0 || lane.client.closed) return
      lane.send(due, ttlLeftMs)
    }
  }

  async #markSent({ deviceId, id }: DueCommand): Promise<CommandRecord | undefined> {
    try {
      return await this.#transition(deviceId, id, { to: 'sent' })
    } catch (error) {
      // The sweep would find it sent already, if only the answer was lost.
      if (isTransient(error)) this.#changed(id)
      throw error
    }
  }

  async #acknowledged(lane: CommandLane, packetId: number): Promise<void> {
    const commandId = lane.commandOf(packetId)
    if (commandId === undefined) return
    const { deviceId } = lane
    try {
      const work = async (attempt: number) => {
        const record = await this.#transition(deviceId, commandId, { to: 'delivered' })
        if (!record && attempt > 0) this.#changed(commandId)
      }
      // Not given up while the database is away: what is not recorded as delivered would be sent again.
      await retry(work, { ...BACKOFF, isRetryable: isUnfinished })
    } catch (error) {
      this.#deps.log.warn({ err: error, deviceId, commandId }, 'a delivery could not be recorded')
    }
    lane.acknowledged(packetId)
    this.nudge(deviceId)
  }

  #transition(deviceId: string, id: string, change: Change): Promise<CommandRecord | undefined> {
    return this.#tellInTurn(id, async () =>
      transitionCommand(this.#deps.pool, { id, deviceId, ...change }, await this.#clock.now()),
    )
  }

  #tellInTurn(
    id: string,
    work: () => Promise<CommandRecord | undefined>,
  ): Promise<CommandRecord | undefined> {
    return this.#inTurn.do(id, async () => {
      const record = await work()
      if (record) this.#deps.publish(record)
      return record
    })
  }

  async #sweep(): Promise<void> {
    try {
      await this.#clock.check()
      // What a device answered in time counts, also while it waits on disk.
      if (!this.#deps.areRepliesWaiting()) await this.#finishOverdue()
      await this.#unblockFinished()
      const nowMs = await this.#clock.now()
      for (const deviceId of await listDevicesWithDueCommands(this.#deps.pool, this.#nextToAsk(), nowMs))
        this.nudge(deviceId)
      this.#sweepTrouble.worked()
      this.#sendTrouble.worked()
    } catch (error) {
      this.#sweepTrouble.failed(error)
    }
  }

  /** The next of those that could be sent something, around and around. */
  #nextToAsk(): string[] {
    const idle = [...this.#lanes.values()].filter((lane) => !lane.isFull && lane.mayHear)
    if (this.#askedUpTo >= idle.length) this.#askedUpTo = 0
    const from = this.#askedUpTo
    this.#askedUpTo += limits.commands.sweptDevicesMax
    return idle.slice(from, this.#askedUpTo).map(({ deviceId }) => deviceId)
  }

  async #finishOverdue(): Promise<void> {
    for (;;) {
      const finished = await this.#finishSome()
      for (const record of finished) {
        this.#deps.publish(record)
        this.#unblock(record)
      }
      if (finished.length < limits.commands.overdueMax) return
    }
  }

  /** In a transaction, to know which they are before the commit, whose answer may be lost. */
  async #finishSome(): Promise<CommandRecord[]> {
    const nowMs = await this.#clock.now()
    let finished: CommandRecord[] = []
    try {
      await inTransaction(this.#deps.pool, async (connection) => {
        finished = await finishOverdueCommands(connection, this.#deps.brokerId, nowMs)
      })
      return finished
    } catch (error) {
      for (const { id } of finished) this.#changed(id)
      throw error
    }
  }

  /** Another broker's sweep may have ended what was sent here. */
  async #unblockFinished(): Promise<void> {
    const sent = [...this.#lanes.values()].flatMap(({ deviceId, inFlight }) =>
      inFlight.map((id) => ({ deviceId, id })),
    )
    if (sent.length === 0) return
    const ids = sent.map(({ id }) => id)
    const open = await listOpenCommands(this.#deps.pool, ids)
    for (const command of sent) if (!open.has(command.id)) this.#unblock(command)
  }

  #unblock({ deviceId, id }: { deviceId: string; id: string }): void {
    this.#lanes.get(deviceId)?.settle(id)
    this.nudge(deviceId)
  }
}

interface CommandDeps {
  pool: Pool
  brokerId: string
  log: Logger
  publish: (record: CommandRecord) => void
  /** Whether replies wait on disk to be settled. */
  areRepliesWaiting: () => boolean
}

interface Answered {
  deviceId: string
  commandId: string
  /** It was tried before, and may have been carried out: the answer was lost then, and nobody told. */
  isRepeated: boolean
}

type Change = Omit<CommandChange, 'id' | 'deviceId'>
