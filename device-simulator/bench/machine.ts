/** What the numbers were taken on, and how much of it each program used. Linux only: it reads /proc. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Pool } from '@telltale/infra/storage/pool'
import { processesOf } from '@telltale/infra/testing/processes'

const run = promisify(execFile)

/** Clock ticks a second in /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

export function describeMachine(): string {
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  return `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${memoryGiB} GiB; Linux ${release()}; Node.js ${process.version}`
}

export const MOSQUITTO = '/usr/sbin/mosquitto'

/** `mosquitto -h` prints its version, and ends with an error code for it. */
export async function mosquittoVersion(): Promise<string> {
  const { stdout } = await run(MOSQUITTO, ['-h']).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? '',
  }))
  return /mosquitto version (\S+)/.exec(stdout)?.[1] ?? '(not installed)'
}

export const hasRedis = () => isInstalled('redis-server')
export const hasChromium = () => isInstalled('chromium')

function isInstalled(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => existsSync(join(folder, program)))
}

/** CPU seconds a process has used, and those of the children it has waited for. */
interface CpuTimes {
  parentPid: number
  own: number
  waitedFor: number
}

async function cpuTimes(pid: number): Promise<CpuTimes> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in brackets and may hold anything, spaces and brackets included.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const seconds = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND
  return { parentPid: Number(fields[1]), own: seconds(11), waitedFor: seconds(13) }
}

export async function cpuSecondsOf(pid: number): Promise<number> {
  return (await cpuTimes(pid)).own
}

/** Of a postmaster with all its backends, running and gone. */
export async function cpuSecondsOfTree(pid: number): Promise<number> {
  const root = await cpuTimes(pid)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  // A process may end between the listing and the look: it then counts as waited for, next time.
  const times = await Promise.all(pids.map((other) => cpuTimes(other).catch(() => undefined)))
  const children = times.filter((time) => time?.parentPid === pid)
  return children.reduce((sum, child) => sum + (child?.own ?? 0), root.own + root.waitedFor)
}

/** CPU seconds of everything on this machine since it started; idle, waiting and stolen time left out. */
export async function cpuSecondsOfMachine(): Promise<number> {
  const stat = await readFile('/proc/stat', 'utf8')
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = stat
    .slice(0, stat.indexOf('\n'))
    .replace(/^cpu\s+/, '')
    .split(' ')
    .map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
}

/**
 * The process whose children serve `database`: PostgreSQL writes the database's name into their titles. Found by the
 * title and not by pg_backend_pid(), which is another number when the server runs in a container.
 */
export async function postmasterOf(pool: Pool, database: string): Promise<number> {
  const connection = await pool.connect()
  try {
    const backend = (await processesOf(database)).find(({ command }) => command.startsWith('postgres:'))
    if (!backend)
      throw new Error('the database server does not run on this machine: its CPU cannot be measured')
    return (await cpuTimes(backend.pid)).parentPid
  } finally {
    connection.release()
  }
}
