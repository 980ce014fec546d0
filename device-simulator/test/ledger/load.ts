/** All devices of the ledger at an even pace: into the book, to disk, to the sockets. */
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '@telltale/infra/testing/random'
import { type Book, Marks } from './book.ts'
import { Device, type Trouble } from './device.ts'
import type { Sent } from './in-flight.ts'
import { Latencies, RecoveryWatch } from './latencies.ts'
import type { Script } from './messages.ts'

export interface LoadPlan {
  script: Script
  secrets: readonly string[]
  port: number
  /** Of all devices together. */
  rate: number
  sent: Book
  acked: Book
}

/** Messages that came due since the last one go to disk together. */
const TICK_MS = 20
const CHECK_MS = 500
const ACKED_SYNC_MS = 100
/** In flight at once: half a second's worth, within these. */
const WINDOW_MIN = 8
const WINDOW_MAX = 100
const OFFENCES_MAX = 20

export class Load {
  readonly latencies = new Latencies()
  readonly recovery: RecoveryWatch
  readonly troubles = { lost: 0, outOfOrder: 0, nobodyAsked: 0 }
  /** Why connections were lost, counted. */
  readonly reasons = new Map<string, number>()
  /** The first troubles with answers. */
  readonly offences: string[] = []
  readonly devices: Device[]
  /** Messages that went on a socket more than once. */
  readonly repeated = new Marks()
  readonly #plan: LoadPlan
  readonly #startedMs = performance.now()
  /** Of each device: the number it may send next. */
  readonly #next: Uint32Array
  /** Devices speak one after the other, not all at once. */
  readonly #phasesMs: Float64Array
  #isOver = false
  #checkedMs = 0
  #ackedSync = { atMs: 0, done: Promise.resolve() }
  #running: Promise<void> | undefined

  constructor(plan: LoadPlan) {
    this.#plan = plan
    const { script, secrets, rate, port } = plan
    const count = secrets.length
    const window = Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, Math.ceil(rate / count / 2)))
    this.recovery = new RecoveryWatch(count)
    this.#next = new Uint32Array(count)
    this.#phasesMs = Float64Array.from({ length: count }, (_, i) => (i / count) * script.strideMs)
    const onAcked = (device: number, sent: Sent) => this.#acknowledged(device, sent)
    const onTrouble = (trouble: Trouble) => this.#trouble(trouble)
    const onRepeated = (device: number, n: number) => this.repeated.add(device, n)
    const callbacks = { onAcked, onRepeated, onTrouble }
    this.devices = secrets.map((secret, device) => {
      const numbers = random(script.seed * 7_919 + device)
      return new Device({ device, secret, port, window, script, random: numbers, ...callbacks })
    })
  }

  get open(): number {
    return this.devices.filter(({ isOpen }) => isOpen).length
  }

  get unacknowledged(): number {
    return this.devices.reduce((sum, device) => sum + device.unacknowledged, 0)
  }

  get uncompleted(): number {
    return this.devices.reduce((sum, device) => sum + device.uncompleted, 0)
  }

  /** Since the run began. */
  nowMs(): number {
    return performance.now() - this.#startedMs
  }

  start(): void {
    this.#running = this.#run()
  }

  /** No new messages; those on their way are sent until they are answered, or it is given up. */
  async finish(deadlineMs: number, isHopeless: () => boolean): Promise<void> {
    this.#isOver = true
    await this.#running
    const endMs = performance.now() + deadlineMs
    const isDone = () => this.unacknowledged === 0 && this.uncompleted === 0
    while (!isDone() && performance.now() < endMs && !isHopeless()) {
      this.#check(performance.now())
      await sleep(TICK_MS)
    }
    await this.stop()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
    for (const device of this.devices) device.end()
    await this.#ackedSync.done
    await this.#plan.acked.sync()
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const startMs = performance.now()
      this.#check(startMs)
      const due = this.#prepare(startMs)
      await this.#plan.sent.sync()
      for (const device of due) device.flush()
      await this.#syncAcked(startMs)
      await sleep(Math.max(1, startMs + TICK_MS - performance.now()))
    }
  }

  #prepare(nowMs: number): Device[] {
    const { script, sent } = this.#plan
    const due: Device[] = []
    for (const [i, device] of this.devices.entries()) {
      const elapsedMs = nowMs - this.#startedMs - (this.#phasesMs[i] as number)
      const newest = Math.floor(elapsedMs / script.strideMs)
      let isDue = false
      for (let n = this.#next[i] as number; n <= newest; n++) {
        // What a full window leaves no room for is never sent, as of a sensor without memory.
        if (!device.prepare(n, nowMs)) break
        sent.add(i, n, nowMs - this.#startedMs)
        isDue = true
      }
      this.#next[i] = Math.max(this.#next[i] as number, newest + 1)
      if (isDue) due.push(device)
    }
    return due
  }

  #check(nowMs: number): void {
    if (nowMs - this.#checkedMs < CHECK_MS) return
    this.#checkedMs = nowMs
    for (const device of this.devices) device.check(nowMs)
  }

  /** At most one under way: what gathers meanwhile is bounded by the windows. */
  async #syncAcked(nowMs: number): Promise<void> {
    if (nowMs - this.#ackedSync.atMs < ACKED_SYNC_MS) return
    await this.#ackedSync.done
    this.#ackedSync = { atMs: nowMs, done: this.#plan.acked.sync() }
  }

  #acknowledged(device: number, sent: Sent): void {
    const nowMs = performance.now()
    this.#plan.acked.add(device, sent.n, nowMs - this.#startedMs)
    this.latencies.add(nowMs - sent.sinceMs)
    this.recovery.acknowledged(device, sent.sinceMs, nowMs)
  }

  #trouble(trouble: Trouble): void {
    if (trouble.is === 'lost') {
      this.troubles.lost++
      this.reasons.set(trouble.reason, (this.reasons.get(trouble.reason) ?? 0) + 1)
      return
    }
    if (trouble.is === 'out of order') this.troubles.outOfOrder++
    else this.troubles.nobodyAsked++
    const { is, device, packetId } = trouble
    if (this.offences.length < OFFENCES_MAX)
      this.offences.push(`${is}: device ${device}, packet id ${packetId}, ${this.nowMs().toFixed(0)} ms`)
  }
}
