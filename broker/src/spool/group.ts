import { limits } from '@telltale/infra/limits'
import { SpoolRefusal } from './disk-errors.ts'
import { rawBytesOf } from './frame.ts'

/** Records that are kept or refused as a whole, and who waits for that. */
export interface Append {
  records: readonly Buffer[]
  /** Before they are deflated; on disk they never take more, but for the header. */
  rawBytes: number
  oldestReceivedMs: number
  resolve: () => void
  reject: (error: Error) => void
}

/** A record that is longer than a frame may be could not be read back. */
export function refusalOfLong(records: readonly Buffer[]): SpoolRefusal | undefined {
  const long = records.find((record) => rawBytesOf([record]) > limits.spool.frameBytesMax)
  return long && new SpoolRefusal('failed', `the spool takes no record of ${long.length} bytes`)
}

/** As many of those that wait as a frame and the room take; the first one in any case. */
export function takeGroup(waiting: Append[], room: number): Append[] {
  const bytesMax = Math.min(limits.spool.frameBytesMax, room)
  let count = 0
  for (let bytes = 0; count < waiting.length; count++) {
    bytes += waiting[count]?.rawBytes ?? 0
    if (count > 0 && bytes > bytesMax) break
  }
  return waiting.splice(0, count)
}
