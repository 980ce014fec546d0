import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Releases, StartError } from './service.ts'

/** Takes the data folder for this process, as `holdFolder` does. */
export function holdDataDir(dataDir: string, releases: Releases): void {
  releases.add('data folder', holdFolder(dataDir, 'data folder'))
}

/**
 * Takes a folder for this process until the returned function is called. A lock whose holder is gone (kill -9, power
 * loss) is taken over.
 * @throws StartError when the folder cannot be written or another Telltale holds it
 */
export function holdFolder(folder: string, what: 'data folder' | 'spool'): () => void {
  const lock = join(folder, 'telltale.pid')
  const own = [process.pid, birthOf(process.pid) ?? ''].join(' ').trim()
  try {
    makeDir(folder)
    accessSync(folder, constants.W_OK)
    for (let attempt = 0; !writeLock(lock, own); attempt++) {
      const words = readLock(lock)
      const holder = holderIn(words ?? '')
      if (isTelltale(holder)) throw inUse(folder, what, `process id ${holder.pid}`)
      if (attempt === ATTEMPTS_MAX) throw inUse(folder, what, 'which starts just now')
      if (words !== undefined) removeLock(lock, words)
    }
  } catch (error) {
    if (error instanceof StartError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new StartError(
      `cannot write to the ${what} ${folder} (${code}); ${cureOf(code)}set TELLTALE_DATA_DIR to another folder`,
    )
  }
  return () => {
    if (readLock(lock) === own) rmSync(lock, { force: true })
  }
}

/** Others that start at the same moment may each be quicker once. */
const ATTEMPTS_MAX = 3

function inUse(folder: string, what: string, who: string): StartError {
  return new StartError(
    `the ${what} ${folder} is in use by the Telltale with ${who}; stop it or set TELLTALE_DATA_DIR`,
  )
}

function cureOf(code: string | undefined): string {
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full: make room, or ' : ''
}

/** Level by level: on /proc, mkdir's own `recursive` never comes back (Node 20). */
function makeDir(dir: string): void {
  if (existsSync(dir)) return
  makeDir(dirname(dir))
  mkdirSync(dir)
}

interface Holder {
  pid: number
  /** Undefined where the system does not tell, and in a lock that an older version wrote. */
  birth: string | undefined
}

/** It is there with all its words, or not at all. @returns false when there is one */
function writeLock(lock: string, words: string): boolean {
  const draft = `${lock}.${process.pid}`
  try {
    writeFileSync(draft, words)
    linkSync(draft, lock)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (!WITHOUT_LINKS.has(code)) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return writeLockInPlace(lock, words)
}

/** What file systems say that know no hard links. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

function writeLockInPlace(lock: string, words: string): boolean {
  try {
    writeFileSync(lock, words, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Undefined when its holder has just let go. */
function readLock(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Removes a lock with these words and no other: somebody else may have removed it since, and hold the folder. */
function removeLock(lock: string, words: string): void {
  const aside = `${lock}.${process.pid}.left`
  try {
    renameSync(lock, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const removed = readFileSync(aside, 'utf8')
  if (removed !== words) writeLock(lock, removed)
  rmSync(aside, { force: true })
}

/** An empty lock, or one with anything else in it, was left by a crash: nobody holds it. */
function holderIn(words: string): Holder {
  const [pid, birth] = words.split(' ')
  return { pid: Number(pid), birth }
}

/** Process ids are used again, in a container within seconds; no two processes with one id were begun at one moment. */
function birthOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // The name of the program, in brackets, may have spaces; `starttime` is the twentieth word after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}

/** Whether the holder still lives; where nobody knows when it was begun, any Node process with its id counts as it. */
function isTelltale({ pid, birth }: Holder): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const known = birthOf(pid)
  if (birth !== undefined && known !== undefined) return birth === known && !isZombie(pid)
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node')
  } catch {
    return true
  }
}

/** Dead, but not yet asked for by its parent; only Linux tells. */
export function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/**
 * A secret kept in the data folder, readable by its owner only; made by `create` the first time, and when a crash left
 * an empty file. @throws StartError when the file cannot be read or written
 */
export async function keepSecret(dataDir: string, name: string, create: () => string): Promise<string> {
  const kept = await readSecret(dataDir, name)
  if (kept) return kept
  const secret = create()
  await replaceSecret(dataDir, name, secret)
  return secret
}

/** Empty when there is none. @throws StartError when the file cannot be read */
export async function readSecret(dataDir: string, name: string): Promise<string> {
  const file = join(dataDir, name)
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return ''
    throw new StartError(`cannot read ${file} (${code}); give this user the right to`)
  }
}

/** Whole or not at all: a crash leaves the former one. @throws StartError when it cannot be written */
export async function replaceSecret(dataDir: string, name: string, secret: string): Promise<void> {
  const file = join(dataDir, name)
  const half = `${file}.new`
  try {
    await writeFile(half, `${secret}\n`, { mode: 0o600, flush: true })
    await rename(half, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    await rm(half, { force: true }).catch(() => {})
    throw new StartError(
      `cannot write ${file} (${code}); ${cureOf(code)}set TELLTALE_DATA_DIR to another folder`,
    )
  }
}

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
