import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { topics } from '../src/contract/index.ts'

const EVERY_MS = 20
/** The longest that the last acknowledgements may take before they count as missing. */
const LAST_MS_MAX = 15_000

export interface WitnessReport {
  sent: number
  acknowledged: number
  /** Why it lost its connection, each time. */
  losses: string[]
  p50Ms: number
  p99Ms: number
  maxMs: number
}

/** A device that does everything right: readings of QoS 1 in a steady rhythm, each with a time of its own. */
export class Witness {
  readonly deviceId: string
  readonly #client: MqttClient
  readonly #losses: string[] = []
  #unacknowledged = 0
  #latenciesMs: number[] = []
  #timer: NodeJS.Timeout | undefined
  #ts = Date.now() - 3_600_000
  #sent = 0

  static async connect(
    url: string,
    credentials: { username: string; password: string },
    options: IClientOptions = {},
  ): Promise<Witness> {
    const client = await connectAsync(url, { ...credentials, reconnectPeriod: 0, keepalive: 5, ...options })
    return new Witness(client, credentials.username)
  }

  private constructor(client: MqttClient, deviceId: string) {
    this.#client = client
    this.deviceId = deviceId
    client.on('close', () => this.#losses.push('closed'))
    client.on('error', (error) => this.#losses.push(String(error)))
  }

  /** Readings so far. */
  get acknowledged(): number {
    return this.#latenciesMs.length
  }

  start(): void {
    this.#timer = setInterval(() => this.#send(), EVERY_MS)
  }

  /** Stops sending, and waits for what is not acknowledged yet, unless the connection is lost. */
  async report(): Promise<WitnessReport> {
    clearInterval(this.#timer)
    const isOver = () => this.#unacknowledged === 0 || !this.#client.connected
    await waitFor('the last acknowledgements', isOver, LAST_MS_MAX).catch((error) => {
      this.#losses.push(String(error))
    })
    const sorted = this.#latenciesMs.sort((a, b) => a - b)
    const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
    const losses = [...this.#losses]
    return {
      sent: this.#sent,
      acknowledged: sorted.length,
      losses,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    }
  }

  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#client.endAsync(true)
  }

  #send(): void {
    const startMs = performance.now()
    const payload = JSON.stringify({ ts: this.#ts++, values: { count: this.#sent++ } })
    this.#unacknowledged++
    void this.#client
      .publishAsync(topics.telemetry(this.deviceId), payload, { qos: 1 })
      .then(() => this.#latenciesMs.push(performance.now() - startMs))
      .catch((error) => this.#losses.push(String(error)))
      .finally(() => this.#unacknowledged--)
  }
}
