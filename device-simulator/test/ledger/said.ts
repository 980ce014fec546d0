/** What the broker says of its own disk, once a second: whether messages pass it by, and what waits there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { filters, type SpoolState, type TotalsPayload } from '@telltale/broker/contract'
import type { Site } from '@telltale/infra/testing/product'
import { connect, type MqttClient } from 'mqtt'

const RECONNECT_MS = 200
const POLL_MS = 20
const SENTENCES_MAX = 20

interface SaidDeps {
  site: Site
  nowMs: () => number
  /** So long after a fault nothing may go to the broker's own disk. */
  graceMs: number
}

export class Said {
  /** The most that ever waited, how old the oldest of it was, and how long there was something all the while. */
  readonly largest = { messages: 0, bytes: 0, waitedMs: 0, lastedMs: 0 }
  /** When messages went to the disk though no fault was near. */
  readonly astray: string[] = []
  readonly #deps: SaidDeps
  #client: MqttClient | undefined
  /** Of the last fault's end; infinite while one is done. */
  #sinceMs = 0
  #directMs: number | undefined
  /** Its last word since then, unless that was that messages go straight to the database. */
  #otherwise: string | undefined
  /** Since when something waits. */
  #waitingMs: number | undefined

  constructor(deps: SaidDeps) {
    this.#deps = deps
  }

  /** Past everything that harms the devices' connections. */
  async start(): Promise<void> {
    const { site } = this.#deps
    const password = (await readFile(join(site.dataDir, 'platform-secret'), 'utf8')).trim()
    const client = connect({
      ...{ host: '127.0.0.1', port: site.mqtt, username: '$telltale', password },
      reconnectPeriod: RECONNECT_MS,
    })
    this.#client = client
    client.on('error', () => {})
    client.on('connect', () => client.subscribe(filters.platform('totals'), () => {}))
    client.on('message', (_topic, payload) => {
      const { spool } = JSON.parse(payload.toString()) as TotalsPayload
      if (spool) this.note(spool)
    })
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true)
  }

  /** One word of the broker. */
  note({ state, messages, bytes, oldestAt }: SpoolState): void {
    const nowMs = this.#deps.nowMs()
    const { largest } = this
    largest.messages = Math.max(largest.messages, messages)
    largest.bytes = Math.max(largest.bytes, bytes)
    if (oldestAt !== null) largest.waitedMs = Math.max(largest.waitedMs, Date.now() - oldestAt)
    this.#waitingMs = messages === 0 ? undefined : (this.#waitingMs ?? nowMs)
    largest.lastedMs = Math.max(largest.lastedMs, nowMs - (this.#waitingMs ?? nowMs))
    const isDirect = state === 'empty' || state === 'replaying'
    const afterMs = nowMs - this.#sinceMs
    if (afterMs < 0) return
    this.#otherwise = isDirect ? undefined : `${state}, ${messages} messages wait`
    if (isDirect) this.#directMs ??= afterMs
    else if (afterMs > this.#deps.graceMs) this.#stray(this.#otherwise)
    // A word from before the broker lost its patience: it was not over.
    else this.#directMs = undefined
  }

  #stray(what: string | undefined): void {
    if (what === undefined || this.astray.length >= SENTENCES_MAX) return
    this.astray.push(`${(this.#deps.nowMs() / 1_000).toFixed(1)} s: ${what}`)
  }

  /** A fault begins: what is said until its end decides nothing. */
  begin(): void {
    this.#stray(this.#otherwise && `${this.#otherwise}, and the next fault begins`)
    this.#otherwise = undefined
    this.#sinceMs = Number.POSITIVE_INFINITY
  }

  ended(): void {
    this.#sinceMs = this.#deps.nowMs()
    this.#directMs = undefined
    this.#otherwise = undefined
  }

  /**
   * @returns how long after the end messages went straight to the database for good, as far as is known by now;
   * undefined when they do not, the deadline after the end
   */
  async untilDirect(deadlineMs: number, signal: AbortSignal): Promise<number | undefined> {
    const endMs = this.#sinceMs + deadlineMs
    while (this.#directMs === undefined && this.#deps.nowMs() < endMs && !signal.aborted) await sleep(POLL_MS)
    return this.#directMs
  }
}
