/** A COPY whose bytes are ready: what node-postgres calls a submittable. Nothing else is as close to bare. */
import type { Pool } from '@telltale/infra/storage/pool'

class BareCopy {
  readonly done: Promise<void>
  private readonly bytes: Buffer
  private settle: { resolve(): void; reject(error: Error): void } = { resolve: () => {}, reject: () => {} }

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.done = new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
    })
  }

  submit(connection: unknown): void {
    const { query } = connection as { query(text: string): void }
    query.call(connection, 'COPY reading (series_id, time, value) FROM STDIN (FORMAT binary)')
  }

  handleCopyInResponse(connection: { sendCopyFromChunk(bytes: Buffer): void; endCopyFrom(): void }): void {
    connection.sendCopyFromChunk(this.bytes)
    connection.endCopyFrom()
  }

  handleError(error: Error): void {
    this.settle.reject(error)
  }

  handleReadyForQuery(): void {
    this.settle.resolve()
  }

  handleCommandComplete(): void {}
}

/** One COPY into `reading`, one commit; how long it took. */
export async function copyReadings(pool: Pool, bytes: Buffer): Promise<number> {
  const connection = await pool.connect()
  let broken: Error | undefined
  try {
    const startMs = performance.now()
    const copy = new BareCopy(bytes)
    connection.query(copy)
    await copy.done
    return performance.now() - startMs
  } catch (error) {
    broken = error as Error
    throw error
  } finally {
    connection.release(broken)
  }
}
