import type { Pool } from '@telltale/infra/storage/pool'
import { listProblems, type ProblemRecord } from '@telltale/infra/storage/problems'
import type { TestBroker } from '@telltale/infra/testing/broker'
import { waitFor } from '@telltale/infra/testing/wait'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { topics } from '../src/contract/index.ts'

export interface Heard {
  topic: string
  payload: string
  qos: number
  retain: boolean
}

/** The clients of a test, connected to wherever `url` says then, and ended together. */
export class TestClients {
  readonly #url: () => string
  #open: MqttClient[] = []

  constructor(url: () => string) {
    this.#url = url
  }

  /** About to connect: what a stored session is sent at once is not missed. */
  dial(options: IClientOptions): MqttClient {
    const client = connect(this.#url(), { reconnectPeriod: 0, ...options })
    client.on('error', () => {})
    this.#open.push(client)
    return client
  }

  async attach(options: IClientOptions): Promise<MqttClient> {
    const client = this.dial(options)
    const end = await outcomeOf(client)
    if (end !== 'connected') throw new Error(`not connected: ${end}`)
    return client
  }

  /** `connected`, `closed` without a word, the CONNACK code of a refusal, or the code of a TLS error. */
  outcome(options: IClientOptions): Promise<unknown> {
    return outcomeOf(this.dial(options))
  }

  /** Without goodbye, so that Last Wills are sent. */
  async end(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((client) => client.endAsync(true)))
  }
}

function outcomeOf(client: MqttClient): Promise<unknown> {
  return new Promise((resolve) => {
    client.once('connect', () => resolve('connected'))
    client.once('error', (error) => {
      const { code = error.message } = error as { code?: unknown }
      resolve(code === 'ECONNRESET' || code === 'EPIPE' ? 'closed' : code)
    })
    client.once('close', () => resolve('closed'))
  })
}

/** What it hears from now on. */
export function collect(client: MqttClient): Heard[] {
  const heard: Heard[] = []
  client.on('message', (topic, payload, { qos, retain }) =>
    heard.push({ topic, payload: payload.toString(), qos, retain }),
  )
  return heard
}

/** The QoS that each filter was granted; 128 is a refusal. */
export async function granted(client: MqttClient, filters: string[], qos: 0 | 1 | 2 = 1): Promise<number[]> {
  const answer = await client.subscribeAsync(filters, { qos }).catch((error) => error.packet.granted)
  return (answer as (number | { qos: number })[]).map((one) => (typeof one === 'number' ? one : one.qos))
}

/** As the API tells a broker that a right may have ended. */
export async function tellRevoked(clients: TestClients, broker: TestBroker, name: string): Promise<void> {
  const platform = await clients.attach({ username: '$telltale', password: broker.platformSecret })
  await platform.publishAsync(topics.platform('revoked', name), '', { qos: 1 })
}

/** The diagnosis, once it is written. @param who user name; none: of anybody */
export function diagnosis(
  pool: Pool,
  code: string,
  who?: string,
  deadlineMs?: number,
): Promise<ProblemRecord> {
  const find = async () => {
    const problems = await listProblems(pool, { deviceId: who, limit: 200 })
    return problems.find((problem) => problem.code === code)
  }
  return waitFor(`the diagnosis ${code}`, find, deadlineMs)
}

/** Metrics with their stored values, of numbers. */
export async function storedValues(pool: Pool, deviceId: string): Promise<Record<string, number[]>> {
  const { rows } = await pool.query<{ metric: string; values: number[] }>(
    `SELECT s.metric, array_agg(r.value ORDER BY r.time) AS values FROM reading r
     JOIN series s ON s.id = r.series_id WHERE s.device_id = $1 GROUP BY 1`,
    [deviceId],
  )
  return Object.fromEntries(rows.map(({ metric, values }) => [metric, values]))
}
