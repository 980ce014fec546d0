/** One virtual device: a clock, a model of what it measures, and a link. */
import { type ReplyPayload, topics } from '@telltale/broker/contract'
import { countMetrics, createBacklog, type Reading } from './backlog.ts'
import type { Chaos } from './chaos.ts'
import { type CommandRunner, createCommandRunner, type Execution } from './commands.ts'
import * as limits from './limits.ts'
import { type Link, type Message, openLink } from './link.ts'
import type { PlannedDevice } from './profiles/index.ts'
import type { Rng } from './rng.ts'
import type { Totals } from './totals.ts'

export interface DeviceDeps {
  plan: PlannedDevice
  secret: string
  mqttUrl: string
  intervalMs: number
  rng: Rng
  chaos: Chaos
  totals: Totals
  renewSecret(): Promise<string>
  onMessage(deviceId: string, message: Message): void
  onProblem(problem: string): void
}

/** Share of the interval by which a tick may come early or late. */
const JITTER = 0.1

export class VirtualDevice {
  private readonly deps: DeviceDeps
  private readonly id: string
  private readonly backlog = createBacklog()
  private readonly commands: CommandRunner
  private readonly pending = new Map<NodeJS.Timeout, () => void>()
  private link: Link | undefined
  private onceConnected: (() => void) | undefined
  private stopped = false
  private silentTicks = 0
  private inFlight = 0
  private lastTs = 0
  private boots = 1
  private secret: string
  private lastPayload: string | undefined

  constructor(deps: DeviceDeps) {
    this.deps = deps
    this.id = deps.plan.id
    this.secret = deps.secret
    this.commands = createCommandRunner({
      handlers: { ...deps.plan.model.commands, reboot: () => this.reboot() },
      now: () => Date.now(),
      wait: (delayMs) => this.wait(delayMs),
      reply: (commandId, reply) => this.reply(commandId, reply),
      sabotage: () => deps.chaos.sabotage(),
    })
  }

  get connected(): boolean {
    return this.link?.connected ?? false
  }

  get backlogSize(): number {
    return this.backlog.size
  }

  start(): void {
    this.open()
    void this.run()
  }

  async stop(): Promise<void> {
    this.stopped = true
    for (const [timer, resolve] of this.pending) {
      clearTimeout(timer)
      resolve()
    }
    this.pending.clear()
    await this.link?.end()
  }

  private open(): void {
    const { mqttUrl, rng, totals, onProblem } = this.deps
    this.inFlight = 0
    this.link = openLink({
      mqttUrl,
      deviceId: this.id,
      secret: this.secret,
      rng,
      onConnect: () => {
        totals.connects++
        this.onceConnected?.()
        this.flush()
      },
      onLost: () => {
        totals.lost++
      },
      onCommand: (commandId, payload) => {
        totals.commands++
        void this.commands.take(commandId, payload)
      },
      onProblem: (problem) => {
        totals.problems++
        onProblem(`${this.id}: ${problem}`)
      },
      renewSecret: () => this.renewSecret(),
    })
  }

  private async renewSecret(): Promise<string> {
    this.secret = await this.deps.renewSecret()
    return this.secret
  }

  private async run(): Promise<void> {
    const { intervalMs, rng } = this.deps
    // A fleet started together must not speak together.
    let nextMs = Date.now() + rng.between(0, intervalMs)
    while (await this.wait(nextMs + intervalMs * rng.between(-JITTER, JITTER) - Date.now())) {
      this.tick()
      // After a suspended laptop, go on from now instead of making up for the night in one burst.
      nextMs = Math.max(nextMs + intervalMs, Date.now() - intervalMs)
    }
  }

  private tick(): void {
    const { chaos, totals } = this.deps
    const mishap = chaos.next()
    if (this.silentTicks > 0) {
      this.silentTicks--
      return
    }
    switch (mishap) {
      case 'none':
        this.measure()
        break
      case 'cut':
        totals.cuts++
        this.link?.cut()
        this.measure()
        break
      case 'silence':
        totals.silences++
        this.silentTicks = chaos.silenceTicks()
        break
      case 'duplicate':
        totals.duplicates++
        this.measure()
        this.repeatLast()
        break
      case 'garbage':
        totals.garbage++
        this.sendGarbage()
        break
    }
  }

  private measure(): void {
    // A powered-off device measures nothing; one without a connection does.
    if (!this.link) return
    const nowMs = Date.now()
    // Two readings of one device with one ts would be one reading, should the clock step back.
    this.lastTs = Math.max(this.lastTs + 1, nowMs + this.deps.chaos.skewMs)
    const reading = { ts: this.lastTs, values: this.deps.plan.model.sample(nowMs) }
    if (!this.backlog.push(reading)) this.deps.totals.backlogDropped++
    this.flush()
  }

  private mayPublish(): boolean {
    return this.connected && this.inFlight < limits.inFlightMax
  }

  private publishReadings(readings: Reading[]): void {
    const payload = JSON.stringify(readings.length === 1 ? readings[0] : readings)
    this.lastPayload = payload
    for (const { values } of readings) this.deps.totals.readings += countMetrics(values)
    this.publish({ topic: topics.telemetry(this.id), payload })
  }

  private repeatLast(): void {
    if (!this.mayPublish() || this.lastPayload === undefined) return
    this.publish({ topic: topics.telemetry(this.id), payload: this.lastPayload, dup: true })
  }

  private sendGarbage(): void {
    if (!this.mayPublish()) return
    this.publish({ topic: topics.telemetry(this.id), payload: this.deps.chaos.garbage(Date.now()) })
  }

  private flush(): void {
    while (this.mayPublish() && this.backlog.size > 0) this.publishReadings(this.backlog.take())
  }

  private publish(message: Message): void {
    const { totals } = this.deps
    const { link } = this
    totals.messages++
    this.inFlight++
    this.deps.onMessage(this.id, message)
    link?.publish(message, (ok) => {
      if (ok) totals.acked++
      // What a link before the reboot still says is not about this one's window.
      if (link !== this.link) return
      this.inFlight--
      this.flush()
    })
  }

  private reply(commandId: string, reply: ReplyPayload): void {
    const message = { topic: topics.reply(this.id, commandId), payload: JSON.stringify(reply) }
    this.deps.onMessage(this.id, message)
    this.link?.publish(message, () => {})
  }

  private reboot(): Execution {
    return {
      takesMs: 300,
      finish: async () => {
        this.deps.totals.reboots++
        const link = this.link
        this.link = undefined
        await link?.end()
        if (!(await this.wait(this.deps.rng.between(2_000, 4_000))))
          return { status: 'failed', error: 'stopped' }
        this.boots++
        const connected = new Promise<void>((resolve) => {
          this.onceConnected = resolve
        })
        this.open()
        await connected
        return { status: 'succeeded', result: { boots: this.boots } }
      },
    }
  }

  /** False when the device was stopped meanwhile. */
  private async wait(delayMs: number): Promise<boolean> {
    if (this.stopped) return false
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.pending.delete(timer)
        resolve()
      }, delayMs)
      this.pending.set(timer, resolve)
    })
    return !this.stopped
  }
}
