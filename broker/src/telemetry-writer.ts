import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { backoffMs } from '@telltale/infra/retry'
import { atMost } from '@telltale/infra/service'
import { verdictOf } from '@telltale/infra/storage/errors'
import type { Message } from './batch.ts'
import type { BatchStore } from './batch-store.ts'
import { afterOwnTime } from './own-time.ts'
import type { Outage } from './spool/outage.ts'
import type { Totals } from './totals.ts'

const { writer: bounds, spool } = limits

export interface WriterDeps {
  store: BatchStore
  outage: Outage
  totals: Totals
  log: Logger
}

/** A batch on its way into the database. */
interface Batch {
  messages: Message[]
  /** Ends the patience with the database, unless it is called. */
  keepPatience: () => void
  /** On its way to the disk, or waiting for room there. */
  isSpooling: boolean
  /** Stored or spooled, and acknowledged. */
  isKept: boolean
}

/**
 * Bounded group commit: while two batches are being stored, messages gather for the next one, so batches are small
 * when idle and large when busy, and one commit answers many publishes. A message is `stored()` only after its
 * commit, or, when the database does not take it, after it is on the broker's own disk. While that is full, nothing is
 * acknowledged, and the sockets of waiting clients are not read.
 */
export class TelemetryWriter {
  readonly #deps: WriterDeps
  /** Gathering for the next batch; its rows and bytes are bounded. */
  readonly #open: Message[] = []
  /** Beyond the bounds: at most one socket chunk of each connection, which aedes reads no further meanwhile. */
  readonly #parked: Message[] = []
  #openRows = 0
  #openBytes = 0
  /**
   * Being stored in the database, and not spooled meanwhile. No Set: the tables V8 outgrows in it point to the next
   * ones, which kept batches alive long after they were stored and doubled the garbage collector's work (measured).
   */
  readonly #inFlight: Batch[] = []
  #isSpooling = false
  #isProbing = false
  /** When the last probe ended, or the outage began. */
  #probedMs = 0
  #fullSinceMs: number | undefined
  #fullMs = 0
  #shareSinceMs = performance.now()
  #isPumpScheduled = false
  #onIdle: (() => void) | undefined

  constructor(deps: WriterDeps) {
    this.#deps = deps
    deps.outage.onChange(() => {
      this.#probedMs = performance.now()
      for (const batch of [...this.#inFlight])
        if (deps.outage.isOn) void this.#spool(batch)
        else this.#renewPatience(batch)
      this.#schedule()
    })
  }

  /** Joins the open batch. */
  add(message: Message): void {
    if (this.#hasRoom()) this.#admit(message)
    else this.#parked.push(message)
    this.#schedule()
  }

  get pendingRows(): number {
    return this.#openRows
  }

  get pendingBytes(): number {
    return this.#openBytes
  }

  /** Whether messages are being stored, or wait for it. */
  get isBusy(): boolean {
    return this.#inFlight.length > 0 || this.#open.length > 0
  }

  /** Of the time since the last call, the share in which as many batches were being stored as may be. */
  takeBusyShare(): number {
    const nowMs = performance.now()
    const fullMs = this.#fullMs + (this.#fullSinceMs === undefined ? 0 : nowMs - this.#fullSinceMs)
    const share = Math.min(1, fullMs / Math.max(1, nowMs - this.#shareSinceMs))
    this.#fullMs = 0
    this.#shareSinceMs = nowMs
    if (this.#fullSinceMs !== undefined) this.#fullSinceMs = nowMs
    return Math.round(share * 100) / 100
  }

  /** Resolves when everything added so far is stored or spooled, or when neither could be done in time. */
  async drain({ storeMs, spoolMs }: { storeMs: number; spoolMs: number }): Promise<void> {
    await atMost(storeMs, this.#idle())
    if (this.isBusy) this.#deps.outage.begin()
    await atMost(spoolMs, this.#idle())
  }

  async #idle(): Promise<void> {
    if (!this.isBusy && !this.#isSpooling) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  #hasRoom(): boolean {
    return this.#openRows < bounds.pendingRowsMax && this.#openBytes < bounds.pendingBytesMax
  }

  #admit(message: Message): void {
    this.#open.push(message)
    this.#openRows += message.rowCount
    this.#openBytes += message.payloadBytes
  }

  /** At the end of this turn of the event loop, so that a whole socket chunk shares a batch. */
  #schedule(): void {
    if (this.#isPumpScheduled || (!this.#deps.outage.isOn && this.#isFull)) return
    this.#isPumpScheduled = true
    setImmediate(() => {
      this.#isPumpScheduled = false
      this.#pump()
    })
  }

  get #isFull(): boolean {
    return this.#inFlight.length >= bounds.batchesInFlightMax
  }

  #pump(): void {
    if (this.#deps.outage.isOn) void this.#spoolOpen()
    else while (!this.#isFull && this.#open.length > 0) void this.#store(this.#takeBatch(bounds.batchRowsMax))
    if (!this.isBusy && !this.#isSpooling) this.#onIdle?.()
  }

  #takeBatch(rowsMax: number): Message[] {
    let rows = 0
    let count = 0
    while (count < this.#open.length && rows < rowsMax) rows += this.#open[count++]?.rowCount ?? 0
    const batch = this.#open.splice(0, count)
    for (const message of batch) {
      this.#openRows -= message.rowCount
      this.#openBytes -= message.payloadBytes
    }
    while (this.#parked.length > 0 && this.#hasRoom()) {
      const message = this.#parked.shift()
      if (message) this.#admit(message)
    }
    return batch
  }

  /** Never rejects: tries until the batch is stored or spooled. */
  async #store(messages: Message[]): Promise<void> {
    const { store, outage, totals } = this.#deps
    const startedMs = performance.now()
    const batch: Batch = { messages, keepPatience: () => {}, isSpooling: false, isKept: false }
    this.#renewPatience(batch)
    this.#enter(batch)
    if (outage.isOn) void this.#spool(batch)
    for (let number = 0; !batch.isKept; number++) {
      try {
        const attemptMs = performance.now()
        await store.store(messages, { number, isLate: false })
        if (performance.now() - attemptMs < spool.promptCommitMs) outage.end()
        // Spooled meanwhile, it is counted when it is replayed.
        if (batch.isKept) return
        totals.stored(messages, performance.now() - startedMs)
        this.#settle(batch)
      } catch (error) {
        this.#tellAway(error)
        if (!batch.isKept) await sleep(backoffMs(RETRY, number))
      }
    }
  }

  #enter(batch: Batch): void {
    this.#inFlight.push(batch)
    if (this.#isFull) this.#fullSinceMs ??= performance.now()
  }

  #settle(batch: Batch): void {
    batch.isKept = true
    batch.keepPatience()
    this.#inFlight.splice(this.#inFlight.indexOf(batch), 1)
    if (!this.#isFull && this.#fullSinceMs !== undefined) {
      this.#fullMs += performance.now() - this.#fullSinceMs
      this.#fullSinceMs = undefined
    }
    for (const message of batch.messages) message.stored()
    this.#schedule()
  }

  /** Also for one that hangs on a connection of its own while others get through again. */
  #renewPatience(batch: Batch): void {
    batch.keepPatience()
    batch.keepPatience = afterOwnTime(spool.engageAfterMs, () => this.#deps.outage.begin())
  }

  /**
   * What the database has not taken yet, as soon as there is room, however long the database says nothing; its attempt
   * there goes on, and does no harm.
   */
  async #spool(batch: Batch): Promise<void> {
    if (batch.isSpooling) return
    batch.isSpooling = true
    while (this.#deps.outage.isOn && !batch.isKept)
      if (!(await this.#keep(batch.messages))) await sleep(spool.refusedDelayMs)
      else if (batch.isKept) this.#deps.totals.stillToCome(batch.messages)
      else this.#settle(batch)
    batch.isSpooling = false
  }

  /** One group after the other: while one is being written the next gathers. */
  async #spoolOpen(): Promise<void> {
    if (this.#isSpooling) return
    this.#isSpooling = true
    while (this.#deps.outage.isOn && this.#open.length > 0) {
      if (this.#isProbeDue) {
        void this.#probe()
        continue
      }
      const messages = this.#takeBatch(bounds.spoolRowsMax)
      if (await this.#keep(messages)) {
        for (const message of messages) message.stored()
      } else if (this.#isFull) {
        this.#putBack(messages)
        await sleep(spool.refusedDelayMs)
      }
      // The disk takes nothing: somebody has to ask the database, or nobody would notice that it is back.
      else void this.#store(messages)
    }
    this.#isSpooling = false
    this.#schedule()
  }

  get #isProbeDue(): boolean {
    return !this.#isProbing && !this.#isFull && performance.now() - this.#probedMs > spool.probeEveryMs
  }

  /** During an outage one message now and then goes both ways: what began the outage, ends it. */
  async #probe(): Promise<void> {
    this.#isProbing = true
    await this.#store(this.#takeBatch(1))
    this.#isProbing = false
    this.#probedMs = performance.now()
  }

  #putBack(messages: Message[]): void {
    this.#open.unshift(...messages)
    for (const message of messages) {
      this.#openRows += message.rowCount
      this.#openBytes += message.payloadBytes
    }
  }

  #keep(messages: Message[]): Promise<boolean> {
    const { lastDeletion } = this.#deps.store
    const records = messages.map((message) => ({ kind: 'message' as const, message, lastDeletion }))
    return this.#deps.outage.keep(records, messages[0]?.receivedAtMs ?? Date.now())
  }

  #tellAway(error: unknown): void {
    const { log, totals } = this.#deps
    if (totals.isDatabaseUp)
      log.error({ err: error, verdict: verdictOf(error) }, 'readings could not be stored')
    totals.isDatabaseUp = false
  }
}

const RETRY = { minMs: bounds.retryDelayMinMs, maxMs: bounds.retryDelayMaxMs }
