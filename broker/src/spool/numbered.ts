/** A record that says which one it is and whether all of it is there. */
export function numbered(n: number, bytes = 40): Buffer {
  const record = Buffer.alloc(Math.max(8, bytes), n % 251)
  record.writeDoubleLE(n)
  return record
}

/** @throws when it is not as it was made */
export function numberOf(record: Buffer): number {
  const n = record.readDoubleLE()
  if (!record.equals(numbered(n, record.length))) throw new Error(`record ${n} is not what was appended`)
  return n
}
