import type { Pool } from '@telltale/infra/storage/pool'
import { registerDevice, registerIntegration, type TestBroker } from '@telltale/infra/testing/broker'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { topics } from '../src/contract/index.ts'
import { breachesOf } from './faults.ts'

/** One message of one sender after the other, so that batches are of all kinds, alone and mixed. */
const EVERY_MS = 3
/** A sender that is not acknowledged goes on to send so many more. */
const UNANSWERED_MAX = 1_000
/** Half of the least that devices are promised, and less than the faults of these tests last. */
const IDLE_KEEPALIVE_S = 4
const DEVICE_KEEPALIVE_S = 10
const DEADLINE_MS = 15_000
const DAY_MS = 86_400_000

const READINGS = `SELECT r.value::int AS n FROM reading r JOIN series s ON s.id = r.series_id
  WHERE s.device_id = ANY($1)`
const TEXTS = `SELECT substr(r.value, 2)::int AS n FROM reading_text r JOIN series s ON s.id = r.series_id
  WHERE s.device_id = ANY($1)`
const REJECTED = `SELECT substr(convert_from(payload, 'UTF8'), 2)::int AS n FROM rejected_message
  WHERE device_id = ANY($1)`

/** How the n-th message of a sender looks, and how the numbers of the stored ones are read. */
interface Kind {
  qos: 1 | 2
  /** It is sent at each of so many turns: of what is rejected only the newest thousand are kept. */
  every?: number
  stored: string
  payload: (n: number, startMs: number) => string
}

const stamped = (n: number, startMs: number) => `{"ts":${startMs + n},"values":{"n":${n}}}`
const kinds = {
  numbers: { qos: 1, stored: READINGS, payload: stamped },
  twoStep: { qos: 2, stored: READINGS, payload: stamped },
  late: { qos: 1, stored: READINGS, payload: (n, startMs) => stamped(n, startMs - 3 * DAY_MS + n * 60_000) },
  unstamped: { qos: 1, stored: READINGS, payload: (n) => `{"n":${n}}` },
  texts: { qos: 1, stored: TEXTS, payload: (n, startMs) => `{"ts":${startMs + n},"values":{"s":"t${n}"}}` },
  unreadable: { qos: 1, every: 5, stored: REJECTED, payload: (n) => `?${n}` },
} as const satisfies Record<string, Kind>

/** Messages of one kind with growing numbers, by one client. */
class Sender {
  readonly name: string
  readonly acknowledged = new Set<number>()
  readonly every: number
  sent = 0
  /** The longest that one of them waited for its acknowledgement. */
  slowestMs = 0
  #turns = 0
  readonly #kind: Kind
  readonly #client: MqttClient
  readonly #deviceIds: string[]
  readonly #startMs = Date.now()

  constructor(name: string, kind: Kind, speaker: { client: MqttClient; deviceIds: string[] }) {
    this.name = name
    this.every = kind.every ?? 1
    this.#kind = kind
    this.#client = speaker.client
    this.#deviceIds = speaker.deviceIds
  }

  send(): void {
    if (this.#turns++ % this.every > 0) return
    if (this.sent - this.acknowledged.size >= UNANSWERED_MAX) return
    const n = this.sent++
    const topic = topics.telemetry(this.#deviceIds[n % this.#deviceIds.length] as string)
    const { qos, payload } = this.#kind
    const sentMs = performance.now()
    this.#client.publish(topic, payload(n, this.#startMs), { qos }, (error) => {
      if (error) return
      this.acknowledged.add(n)
      this.slowestMs = Math.max(this.slowestMs, performance.now() - sentMs)
    })
  }

  /** What is not as promised, in words. */
  async faults(pool: Pool, acknowledged: ReadonlySet<number> = this.acknowledged): Promise<string[]> {
    const { rows } = await pool.query<{ n: number }>(this.#kind.stored, [this.#deviceIds])
    const stored = rows.map(({ n }) => n)
    const isSent = (n: number) => n < this.sent
    const { missing, twice, neverSent } = breachesOf(stored, { acknowledged, isSent })
    return [
      ...missing.map((n) => `${this.name} ${n} was acknowledged and is missing`),
      ...twice.map((n) => `${this.name} ${n} is stored twice`),
      ...neverSent.map((n) => `${this.name} ${n} is stored and was never sent`),
    ]
  }
}

/**
 * Devices and an integration that publish numbered messages of every kind all the while, and a device that only says
 * it is there. None of them comes back by itself: a lost connection is a fault.
 */
export class FaultLoad {
  readonly losses: string[] = []
  readonly #pool: Pool
  readonly #senders: Sender[] = []
  readonly #clients: MqttClient[] = []
  #timer: NodeJS.Timeout | undefined

  static async start(broker: TestBroker, pool: Pool): Promise<FaultLoad> {
    const load = new FaultLoad(pool)
    for (const [kindName, kind] of Object.entries(kinds)) {
      const device = await registerDevice(pool, `load-${kindName}`)
      const client = await load.#connect(broker, device, DEVICE_KEEPALIVE_S)
      load.#senders.push(new Sender(kindName, kind, { client, deviceIds: [device.username] }))
    }
    const client = await load.#connect(broker, await registerIntegration(pool, 'load'), DEVICE_KEEPALIVE_S)
    const deviceIds = ['load-a', 'load-b', 'load-c']
    for (const id of deviceIds) await registerDevice(pool, id)
    load.#senders.push(new Sender('integration', kinds.numbers, { client, deviceIds }))
    await load.#connect(broker, await registerDevice(pool, 'load-idle'), IDLE_KEEPALIVE_S)
    load.resume()
    // The integration has published for each of its devices then: it is known to be allowed to.
    await load.goesOn(deviceIds.length)
    return load
  }

  private constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Of each kind, messages sent in so many turns from now on are acknowledged. */
  async goesOn(count = 1, deadlineMs = DEADLINE_MS): Promise<void> {
    const wanted = this.#senders.map((sender) => ({
      sender,
      n: sender.sent + Math.ceil(count / sender.every) - 1,
    }))
    const behind = () => wanted.filter(({ sender, n }) => !sender.acknowledged.has(n))
    await waitFor('acknowledgements', () => behind().length === 0, deadlineMs).catch((error: Error) => {
      const names = behind().map(({ sender: { name, sent, acknowledged } }) => {
        return `${name} (${acknowledged.size} of ${sent})`
      })
      throw new Error(`${error.message}: ${names.join(', ')}; ${this.losses.join(', ')}`)
    })
  }

  /** How many messages are acknowledged so far. */
  get acknowledged(): number {
    return this.#senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  }

  /** The longest wait for an acknowledgement that came since the last call. */
  takeSlowestMs(): number {
    const slowestMs = Math.max(...this.#senders.map((sender) => sender.slowestMs))
    for (const sender of this.#senders) sender.slowestMs = 0
    return slowestMs
  }

  resume(): void {
    let turn = 0
    this.#timer = setInterval(() => this.#senders[turn++ % this.#senders.length]?.send(), EVERY_MS)
  }

  /** Resolves when everything sent is acknowledged. */
  async pause(): Promise<void> {
    clearInterval(this.#timer)
    const isAnswered = () => this.#senders.every(({ sent, acknowledged }) => acknowledged.size === sent)
    await waitFor('the last acknowledgements', isAnswered, DEADLINE_MS)
  }

  /** Compares with the database when everything sent is acknowledged. @returns what is not as promised, in words */
  async faults(): Promise<string[]> {
    await this.pause()
    const faults = await Promise.all(this.#senders.map((sender) => sender.faults(this.#pool)))
    this.resume()
    return [...this.losses, ...faults.flat()]
  }

  /** What is acknowledged by now, to be compared later. */
  snapshot(): ReadonlySet<number>[] {
    return this.#senders.map(({ acknowledged }) => new Set(acknowledged))
  }

  /** As `faults`, of a copy of the database that was made after the snapshot. */
  async faultsIn(copy: Pool, snapshot: readonly ReadonlySet<number>[]): Promise<string[]> {
    const faults = await Promise.all(this.#senders.map((sender, i) => sender.faults(copy, snapshot[i])))
    return faults.flat()
  }

  /** Whether or not anything is acknowledged. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#clients.map((client) => client.removeAllListeners('close').endAsync(true)))
  }

  async #connect(
    broker: TestBroker,
    credentials: { username: string; password: string },
    keepalive: number,
  ): Promise<MqttClient> {
    const client = await connectAsync(broker.url, { ...credentials, keepalive, reconnectPeriod: 0 })
    client.on('error', (error) => this.losses.push(`${credentials.username}: ${error.message}`))
    client.on('close', () => this.losses.push(`${credentials.username} was cut off`))
    this.#clients.push(client)
    return client
  }
}
