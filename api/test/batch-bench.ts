import { limits } from '@telltale/infra/limits'
import { waitFor } from '@telltale/infra/testing/wait'
import { BatchRunner } from '../src/commands/batch-runner.ts'
import { type Answer, bearer, call, startApi, type TestApi } from './harness.ts'

const QUICK = {
  ...limits.commandBatches,
  commandsPerSecond: 1_000,
  idleMs: 10,
  retryDelayMinMs: 10,
  retryDelayMaxMs: 20,
}

export const everybody = { filter: { all: true } }

/** An API with batches, and runners that the tests start. */
export class BatchBench {
  readonly api: TestApi
  readonly operator: { authorization: string }
  #runners: BatchRunner[] = []

  constructor(api: TestApi, operator: { authorization: string }) {
    this.api = api
    this.operator = operator
  }

  static async open(): Promise<BatchBench> {
    const api = await startApi()
    return new BatchBench(api, await bearer(api, 'operator'))
  }

  /** As new, for the next test. */
  async clear(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.stop()))
    this.#runners = []
    await this.query(`
      DELETE FROM command_batch; DELETE FROM audit_entry; DELETE FROM device;
      UPDATE command_batch_pace SET next_at = 'epoch'`)
  }

  startRunner(more: Partial<Record<keyof typeof QUICK, number>> = {}, deps = this.api.deps): BatchRunner {
    const runner = new BatchRunner(deps, { ...QUICK, ...more })
    this.#runners.push(runner)
    runner.start()
    return runner
  }

  query(sql: string, values: unknown[] = []) {
    return values.length > 0 ? this.api.database.pool.query(sql, values) : this.api.database.pool.query(sql)
  }

  /** From `d-00001` on. */
  async addDevices(count: number, { prefix = 'd', tags = '{}', type = '' } = {}): Promise<void> {
    await this.query(
      `INSERT INTO device (id, name, tags, type)
       SELECT $2 || '-' || lpad(n::text, 5, '0'), 'Device ' || n, $3::text[], nullif($4, '')
       FROM generate_series(1, $1) n`,
      [count, prefix, tags, type],
    )
  }

  post(body: object, headers: Record<string, string> = {}): Promise<Answer> {
    const asked = { name: 'reboot', ...body }
    return call(this.api, 'POST /commands', { headers: { ...this.operator, ...headers }, body: asked })
  }

  async get(path: string): Promise<Answer['body']> {
    return (await call(this.api, `GET ${path}`, { headers: this.operator })).body
  }

  batchOf(id: string): Promise<Answer['body']> {
    return this.get(`/command-batches/${id}`)
  }

  stop(id: string): Promise<Answer> {
    return call(this.api, `DELETE /command-batches/${id}`, { headers: this.operator })
  }

  ended(id: string): Promise<Answer['body']> {
    const finished = async () => {
      const batch = await this.batchOf(id)
      return batch.status === 'finished' && batch
    }
    return waitFor('the batch to be finished', finished, 25_000)
  }

  async count(from: string): Promise<number> {
    return (await this.query(`SELECT count(*) AS n FROM ${from}`)).rows[0].n
  }

  /** Every item of a listing, through all of its pages. */
  async walk(path: string): Promise<Answer['body'][]> {
    const items: Answer['body'][] = []
    for (let cursor = ''; ; ) {
      const page = await this.get(path + cursor)
      items.push(...page.items)
      if (page.nextCursor === null) return items
      cursor = `&cursor=${page.nextCursor}`
    }
  }

  /** Which devices the commands of this name are for, in the order they were made. */
  async devicesOf(name: string): Promise<string[]> {
    const { rows } = await this.query('SELECT device_id FROM command WHERE name = $1 ORDER BY seq', [name])
    return rows.map((row) => row.device_id)
  }
}
