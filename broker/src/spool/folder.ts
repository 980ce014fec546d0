import { open, statfs } from 'node:fs/promises'
import { limits } from '@telltale/infra/limits'

/** What systems answer that cannot open or sync a folder (Windows, some network disks). */
const NOT_POSSIBLE = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'])

/** Files made in it and deleted from it stay so when the machine stops. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!NOT_POSSIBLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Bytes that may be written there: what is free, without what the rest of the machine needs. */
export async function roomOnDisk(folder: string): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(folder)
  const { diskReserveShare, diskReserveBytesMax } = limits.spool
  return bavail * bsize - Math.min(diskReserveShare * blocks * bsize, diskReserveBytesMax)
}
