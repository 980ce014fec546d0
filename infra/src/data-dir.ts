import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Releases, StartError } from './service.ts'

/**
 * Takes the data folder for this process. A lock whose holder is gone (kill -9, power loss) is taken over.
 * @throws StartError when the folder cannot be written or another Telltale holds it
 */
export function holdDataDir(dataDir: string, releases: Releases): void {
  try {
    makeDir(dataDir)
    accessSync(dataDir, constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new StartError(
      `cannot write to the data folder ${dataDir} (${code}); set TELLTALE_DATA_DIR to another folder`,
    )
  }
  const lock = join(dataDir, 'telltale.pid')
  if (!writeLock(lock)) {
    const pid = Number(readFileSync(lock, 'utf8'))
    if (isTelltale(pid))
      throw new StartError(
        `the data folder ${dataDir} is in use by the Telltale with process id ${pid}; stop it or set TELLTALE_DATA_DIR`,
      )
    rmSync(lock, { force: true })
    writeLock(lock)
  }
  releases.add('data folder', () => rmSync(lock, { force: true }))
}

/** Level by level: on /proc, mkdir's own `recursive` never comes back (Node 20). */
function makeDir(dir: string): void {
  if (existsSync(dir)) return
  makeDir(dirname(dir))
  mkdirSync(dir)
}

function writeLock(lock: string): boolean {
  try {
    const file = openSync(lock, 'wx')
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Whether the process lives and, where the system can tell, is a Node process: ids are reused after a reboot. */
function isTelltale(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node')
  } catch {
    return true
  }
}

/** A secret kept in the data folder, readable by its owner only; made by `create` the first time. */
export async function keepSecret(dataDir: string, name: string, create: () => string): Promise<string> {
  const file = join(dataDir, name)
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (kept.trim()) return kept.trim()
  const secret = create()
  await replaceSecret(dataDir, name, secret)
  return secret
}

export async function replaceSecret(dataDir: string, name: string, secret: string): Promise<void> {
  await writeFile(join(dataDir, name), `${secret}\n`, { mode: 0o600 })
}
