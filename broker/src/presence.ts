import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { backoffMs } from '@telltale/infra/retry'
import { findEnded, type LostDevice } from '@telltale/infra/storage/brokers'
import { isDataError } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import { onlineDevices, recordActivity } from '@telltale/infra/storage/sessions'
import type { PresencePayload, PresenceReason } from './contract/index.ts'
import { type Change, isLate, type Report, writeChanges } from './presence-changes.ts'
import { PresenceQueue } from './presence-queue.ts'
import type { StampClock } from './telemetry.ts'
import { Trouble } from './trouble.ts'

/** Whose readings a message has: a connected device's, or a device's an integration speaks for. */
export interface Source {
  deviceId: string
  clock: StampClock
  seenAtMs?: number
  /** Moving average of the time between telemetry messages. */
  intervalMs?: number
}

/** One live connection of a device. The newest one is the device's; what an older one still says is history. */
export interface DeviceSession extends Source {
  clientId: string
  address: string | null
  connectedAt: Date
  /** Whether it has come so far that its end is worth a word. */
  isConnected?: boolean
  /** The session row's id, once written. */
  epoch?: number
  /** What the device last said of itself on its status topic. */
  reported?: 'online' | 'offline'
}

export interface PresenceDeps {
  pool: Pool
  brokerId: string
  log: Logger
  publish: (presence: PresencePayload) => void
  /** A live connection has its row: of two connections of a device, the one with the higher epoch is the newer. */
  onOpened: (deviceId: string, epoch: number) => void
  /** While this broker was taken for lost, the device came back to another one. */
  onElsewhere: (deviceId: string) => void
  /** Others have said that it is gone, and it was not. */
  onReopened: (deviceId: string, status: 'online' | 'offline') => void
}

const CHANGES_AT_ONCE = 1_000
const BACKOFF = { minMs: 100, maxMs: 2_000 }
const GATHER_MS = 25
/** Weight of the newest gap in the usual interval. */
const INTERVAL_WEIGHT = 0.2
const INT4_MAX = 2 ** 31 - 1

/**
 * Presence from connection sessions: each connect opens a row whose id is the epoch, each end closes it with a
 * reason. Wills and status messages inform it, they do not decide it: one that comes from an older connection than
 * the live one changes nothing. Rows are written strictly in order, many at a time; the message to the API follows
 * the row.
 */
export class Presence {
  readonly #deps: PresenceDeps
  readonly #writeTrouble: Trouble
  readonly #flushTrouble: Trouble
  readonly #live = new Map<string, DeviceSession>()
  /** Sources heard since the last flush, by device; kept past their end. */
  #heard = new Map<string, Source>()
  /** Reports that wait to be written. */
  readonly #reports = new Map<DeviceSession, Report>()
  readonly #changes = new PresenceQueue()
  #writing: Promise<void> | undefined
  #flushing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopping = false

  constructor(deps: PresenceDeps) {
    this.#deps = deps
    this.#writeTrouble = new Trouble(deps.log, 'presence could not be written; trying again')
    this.#flushTrouble = new Trouble(deps.log, 'when devices were heard could not be written; trying again')
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#flushing ??= this.#flushActivity().finally(() => {
        this.#flushing = undefined
      })
    }, limits.broker.activityFlushMs)
  }

  /** Devices whose connection went down with its broker. */
  lost(devices: LostDevice[]): void {
    for (const { deviceId, disconnectedAt } of devices)
      if (!this.#live.has(deviceId))
        this.#deps.publish({
          deviceId,
          status: 'offline',
          since: disconnectedAt.getTime(),
          reason: 'broker_lost',
        })
  }

  /** Others may have ended the sessions of connections that live: those are opened anew. */
  async revive(): Promise<void> {
    const live = [...this.#live.values()].filter(({ epoch }) => epoch !== undefined)
    const ended = await findEnded(
      this.#deps.pool,
      live.map(({ epoch }) => epoch as number),
    )
    if (ended.size === 0) return
    const online = await onlineDevices(
      this.#deps.pool,
      live.map(({ deviceId }) => deviceId),
    )
    for (const session of live) {
      const reason = ended.get(session.epoch as number)
      if (reason === undefined || this.#live.get(session.deviceId) !== session) continue
      if (reason === 'taken_over' || online.has(session.deviceId)) this.#deps.onElsewhere(session.deviceId)
      else {
        delete session.epoch
        this.#enqueue({ kind: 'open', session })
        this.#deps.onReopened(session.deviceId, session.reported ?? 'online')
      }
    }
  }

  connected(session: DeviceSession): void {
    this.#live.set(session.deviceId, session)
    this.#enqueue({ kind: 'open', session })
  }

  disconnected(session: DeviceSession, reason: PresenceReason): void {
    if (this.#live.get(session.deviceId) === session) this.#live.delete(session.deviceId)
    this.#enqueue({ kind: 'close', session, at: new Date(), reason })
  }

  /**
   * What the device says on its status topic while it is connected; `written` follows when that is stored. A device
   * that says more than can be written has its newest word written: one report a session waits at most.
   * @returns takes `written` back: the word is kept elsewhere
   */
  reported(session: DeviceSession, status: 'online' | 'offline', written: () => void): () => void {
    // `online` is no news for a connected device, unless it said `offline` before.
    const isNews = status !== (session.reported ?? 'online')
    session.reported = status
    const waiting = this.#reports.get(session)
    if (waiting) {
      waiting.status = status
      waiting.at = new Date()
      waiting.written.add(written)
      return () => waiting.written.delete(written)
    }
    if (!isNews) {
      written()
      return () => {}
    }
    const report: Report = { kind: 'report', session, status, at: new Date(), written: new Set([written]) }
    this.#reports.set(session, report)
    this.#enqueue(report)
    return () => report.written.delete(written)
  }

  /** Telemetry arrived. Rows follow every few seconds, all devices in one statement. */
  heard(source: Source, nowMs: number): void {
    if (source.seenAtMs !== undefined) {
      const gapMs = nowMs - source.seenAtMs
      const usual = source.intervalMs ?? gapMs
      source.intervalMs = usual + INTERVAL_WEIGHT * (gapMs - usual)
    }
    source.seenAtMs = nowMs
    this.#heard.set(source.deviceId, source)
  }

  /** Writes what is left; call when no client is connected any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#isStopping = true
    await this.#writing
    await this.#flushing
    await this.#flushActivity()
  }

  #enqueue(change: Change): void {
    for (const lost of this.#changes.push(change)) this.#forgetReport(lost)
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  async #writeAll(): Promise<void> {
    for (let attempt = 0, atOnce = CHANGES_AT_ONCE; this.#changes.length > 0; ) {
      // A fleet that comes back shares commits: each costs the disk as much as a batch of readings.
      if (!this.#isStopping) await sleep(GATHER_MS)
      // After a failure the same again: the part that is written already would seem to work by itself.
      const run = this.#changes.take(atOnce)
      for (const change of run) if (change.kind === 'report') this.#reports.delete(change.session)
      try {
        await writeChanges(this.#deps, run)
        this.#settle(run)
        this.#writeTrouble.worked()
        attempt = 0
        atOnce = Math.min(2 * atOnce, CHANGES_AT_ONCE)
      } catch (error) {
        if (isDataError(error)) {
          // In halves, so that only what the database refuses is passed over.
          atOnce = Math.ceil(run.length / 2)
          if (run.length === 1) this.#passOver(run, error)
          continue
        }
        this.#writeTrouble.failed(error, { waiting: this.#changes.length })
        // The next start of this broker, or another one, ends what is left open.
        if (this.#isStopping) return
        await sleep(backoffMs(BACKOFF, attempt++))
      }
    }
    const connections = this.#changes.takeDropped()
    if (connections > 0)
      this.#deps.log.warn({ connections }, 'connections that began and ended meanwhile are not on record')
  }

  #passOver(run: Change[], err: unknown): void {
    this.#deps.log.error({ err, deviceId: run[0]?.session.deviceId }, 'a change of presence is lost')
    this.#settle(run)
  }

  #settle(run: Change[]): void {
    this.#changes.settle()
    for (const change of run) {
      this.#announce(change)
      if (change.kind === 'report') for (const written of change.written) written()
    }
  }

  /** Its connection is over and not on record. */
  #forgetReport(change: Change): void {
    if (change.kind !== 'report') return
    this.#reports.delete(change.session)
    for (const written of change.written) written()
  }

  #announce(change: Change): void {
    const { deviceId } = change.session
    const { publish } = this.#deps
    const live = this.#live.get(deviceId)
    if (change.kind === 'open' && live === change.session) {
      // Written late, and not at all: the device is at another broker since.
      if (live.epoch === undefined && isLate(live)) return this.#deps.onElsewhere(deviceId)
      if (live.epoch !== undefined) this.#deps.onOpened(deviceId, live.epoch)
      publish({
        deviceId,
        status: 'online',
        since: change.session.connectedAt.getTime(),
        reason: 'connected',
      })
    }
    // An older connection's end is no news while a newer one lives, here or at another broker.
    if (change.kind === 'close' && live === undefined && isNews(change))
      publish({ deviceId, status: 'offline', since: change.at.getTime(), reason: change.reason })
    if (change.kind === 'report' && live === change.session)
      publish({
        deviceId,
        status: change.status,
        since: change.at.getTime(),
        reason: `said_${change.status}`,
      })
  }

  async #flushActivity(): Promise<void> {
    const heard = this.#heard
    if (heard.size === 0) return
    this.#heard = new Map()
    const activity = [...heard.values()].map(({ deviceId, seenAtMs, intervalMs }) => ({
      deviceId,
      seenAt: new Date(seenAtMs ?? 0),
      intervalMs: intervalMs === undefined ? null : Math.round(Math.min(intervalMs, INT4_MAX)),
    }))
    try {
      await recordActivity(this.#deps.pool, activity)
      this.#flushTrouble.worked()
    } catch (error) {
      this.#flushTrouble.failed(error)
      for (const [deviceId, source] of heard)
        if (!this.#heard.has(deviceId)) this.#heard.set(deviceId, source)
    }
  }
}

/** An end that is on record, of a device that is not connected anew. */
function isNews(change: Extract<Change, { kind: 'close' }>): boolean {
  return change.reason !== 'taken_over' && !change.isTakenOver && change.session.epoch !== undefined
}
