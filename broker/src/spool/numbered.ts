import { createCipheriv } from 'node:crypto'

const NOISE_BYTES = 8 * 1024 * 1024
/** The same each time, and nothing in it repeats, so that a record takes as much on disk as it has bytes. */
const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(
  Buffer.alloc(NOISE_BYTES),
)

/** A record that says which one it is and whether all of it is there. */
export function numbered(n: number, bytes = 40): Buffer {
  const start = (n * 65_537) % (NOISE_BYTES - bytes)
  const record = Buffer.from(noise.subarray(start, start + Math.max(8, bytes)))
  record.writeDoubleLE(n)
  return record
}

/** @throws when it is not as it was made */
export function numberOf(record: Buffer): number {
  const n = record.readDoubleLE()
  if (!record.equals(numbered(n, record.length))) throw new Error(`record ${n} is not what was appended`)
  return n
}
