import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testFolder } from './folder.ts'
import { reportSkipped } from './tools.ts'

const FILLING_BYTES = 1024 * 1024

/** A disk of few megabytes in memory, which a test fills up. */
export class SmallDisk {
  readonly folder: string
  readonly #filling: string

  /** `filesMax` counts the folder itself too. */
  constructor(megabytes: number, { filesMax }: { filesMax?: number } = {}) {
    mkdirSync(testFolder, { recursive: true })
    this.folder = mkdtempSync(join(testFolder, 'disk-'))
    this.#filling = join(this.folder, 'filling')
    const options = `size=${megabytes}m,mode=755${filesMax ? `,nr_inodes=${filesMax}` : ''}`
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', this.folder])
  }

  /** Until nothing more fits. */
  async fill(): Promise<void> {
    const file = await open(this.#filling, 'a')
    try {
      for (let bytes = FILLING_BYTES; bytes >= 1; )
        await file.appendFile(Buffer.alloc(bytes)).catch(() => {
          bytes >>= 1
        })
    } finally {
      await file.close()
    }
  }

  free(): Promise<void> {
    return rm(this.#filling, { force: true })
  }

  remove(): void {
    // Also while a program that ends has files open there.
    execFileSync('umount', ['--lazy', this.folder])
  }
}

/** Whether this machine does not let us make such disks; as `toolMissing`. */
export function smallDisksMissing(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'telltale-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return false
  } catch {
    reportSkipped('tests of full disks were skipped: they need root on Linux, to mount small ones')
    return true
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
