import { statfs } from 'node:fs/promises'
import { limits } from '@telltale/infra/limits'

/** Bytes that may be written there: what is free, without what the rest of the machine needs. */
export async function roomOnDisk(folder: string): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(folder)
  const { diskReserveShare, diskReserveBytesMax } = limits.spool
  return bavail * bsize - Math.min(diskReserveShare * blocks * bsize, diskReserveBytesMax)
}
