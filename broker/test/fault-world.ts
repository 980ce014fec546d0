import { mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import type { TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { testFolder } from '@telltale/infra/testing/folder'
import { waitFor } from '@telltale/infra/testing/wait'
import { onTestFailed } from 'vitest'
import { FaultLoad } from './fault-load.ts'

const OUTPUT_CHARS = 5_000

export interface WorldOptions {
  database: TestDatabase
  /** The data folder of the broker; one of its own by default. */
  dataDir?: string
  env?: Record<string, string>
}

/** A broker under load, whose way to its database can be harmed. */
export class FaultWorld {
  readonly database: TestDatabase
  readonly proxy: DatabaseProxy
  readonly broker: TestBroker
  readonly load: FaultLoad
  readonly #spoolDir: string

  static async open({ database, env, ...options }: WorldOptions): Promise<FaultWorld> {
    await mkdir(testFolder, { recursive: true })
    const dataDir = options.dataDir ?? (await mkdtemp(join(testFolder, 'faults-')))
    const proxy = await startDatabaseProxy(database.url)
    const broker = await startTestBroker(proxy.url, { ...env, TELLTALE_DATA_DIR: dataDir })
    const load = await FaultLoad.start(broker, database.pool)
    return new FaultWorld({ database, proxy, broker, load }, join(dataDir, 'spool'))
  }

  private constructor(
    parts: { database: TestDatabase; proxy: DatabaseProxy; broker: TestBroker; load: FaultLoad },
    spoolDir: string,
  ) {
    this.database = parts.database
    this.proxy = parts.proxy
    this.broker = parts.broker
    this.load = parts.load
    this.#spoolDir = spoolDir
  }

  /** The fault is over: nothing waits on disk, and what comes now is acknowledged without waiting there. */
  async recovered(deadlineMs?: number): Promise<void> {
    await waitFor('an empty spool', async () => (await this.segments()).length === 0, deadlineMs)
    await this.load.goesOn()
    await waitFor('an empty spool again', async () => (await this.segments()).length === 0)
  }

  async segments(): Promise<string[]> {
    return (await readdir(this.#spoolDir)).filter((name) => /\.v\d+$/.test(name))
  }

  /** Why a test failed: the last the broker said. */
  tellWhy(): void {
    onTestFailed(() => console.error(this.broker.program.output().slice(-OUTPUT_CHARS)))
  }

  /** Ends the load. The broker must be the one that was started, and end well. */
  async close(): Promise<void> {
    this.proxy.pass()
    await this.load.end()
    const { exitCode, signalCode } = this.broker.program.process
    const code = await this.broker.program.stop()
    await this.proxy.close()
    await this.database.drop()
    if (exitCode !== null || signalCode !== null || code !== 0)
      throw new Error(
        `the broker ended (${exitCode ?? signalCode ?? code}):\n${this.broker.program.output()}`,
      )
  }
}
