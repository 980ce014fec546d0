import type { TestBroker } from '@telltale/infra/testing/broker'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { filters, type SpoolState, type TotalsPayload } from '../src/contract/index.ts'
import { RECOVERED_WITHIN_MS } from './faults.ts'

/** What a broker says of itself once a second. */
export class SpoolWatch {
  readonly #client: MqttClient
  readonly #totals: TotalsPayload[] = []

  static async start(broker: TestBroker): Promise<SpoolWatch> {
    const credentials = { username: '$telltale', password: broker.platformSecret }
    const watch = new SpoolWatch(await connectAsync(broker.url, { ...credentials, reconnectPeriod: 0 }))
    await watch.#client.subscribeAsync(filters.platform('totals'))
    return watch
  }

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('error', () => {})
    client.on('message', (_topic, payload) => this.#totals.push(JSON.parse(payload.toString())))
  }

  /** The largest memory it ever said. */
  get rssBytesMax(): number {
    return Math.max(...this.#totals.map(({ rssBytes }) => rssBytes ?? 0))
  }

  /** What it says next that is so. */
  async said(
    what: string,
    isSo: (spool: SpoolState, totals: TotalsPayload) => boolean,
    deadlineMs = 15_000,
  ): Promise<TotalsPayload & { spool: SpoolState }> {
    let seen = this.#totals.length
    const next = () => {
      for (; seen < this.#totals.length; seen++) {
        const totals = this.#totals[seen] as TotalsPayload
        const { spool } = totals
        if (spool && isSo(spool, totals)) return { ...totals, spool }
      }
      return undefined
    }
    return waitFor(what, next, deadlineMs).catch((error: Error) => {
      throw new Error(`${error.message}; the last was ${JSON.stringify(this.#totals.at(-1))}`)
    })
  }

  /** The outage is over in time, nothing waits on disk any more, and what comes now goes straight to the database. */
  async recovered(goesOn: () => Promise<void>): Promise<void> {
    const isOver = ({ state }: SpoolState) => state === 'replaying' || state === 'empty'
    let { spool: before } = await this.said('the end of the outage', isOver, RECOVERED_WITHIN_MS)
    if (before.state !== 'empty') await this.said('an empty spool', ({ state }) => state === 'empty')
    await goesOn()
    // Words that were being written to disk when it ended have others behind them.
    const isCalm = (now: SpoolState) => {
      const isMore = now.spooledTotal > before.spooledTotal
      before = now
      return !isMore && now.state === 'empty'
    }
    await this.said('that nothing more is kept on disk', isCalm, RECOVERED_WITHIN_MS)
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true)
  }
}
