import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryDir } from '../paths.ts'
import { quietPorts } from './ports.ts'
import { processesOf } from './processes.ts'
import { waitFor } from './wait.ts'

/** Where one installation lives: a data folder and ports of its own, for as many starts as a test wants. */
export interface Site {
  dataDir: string
  http: number
  mqtt: number
  ws: number
  /** `http://127.0.0.1:…` */
  dashboard: string
  broker: string
  /** Where its data is not in an embedded database of its own. */
  databaseUrl?: string
  /** Ends whatever still runs there and deletes it. */
  remove: () => Promise<void>
}

export async function createSite(): Promise<Site> {
  const [http = 0, mqtt = 0, ws = 0] = await quietPorts(3)
  const dataDir = await mkdtemp(join(tmpdir(), 'telltale-site-'))
  return {
    ...{ dataDir, http, mqtt, ws },
    dashboard: `http://127.0.0.1:${http}`,
    broker: `mqtt://127.0.0.1:${mqtt}`,
    remove: async () => {
      for (const { pid } of await processesOf(dataDir)) end(pid)
      await waitFor(`the end of everything in ${dataDir}`, async () => {
        return (await processesOf(dataDir)).length === 0
      })
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself between the look and the kill.
  }
}

/** What `npm start` runs, as a process of its own. */
export interface Product {
  process: ChildProcess
  stdout: () => string
  /** Everything it printed, and its programs' logs: for telling why a test failed. */
  output: () => string
  /** The one block, once it has been printed. */
  block: () => Promise<Block>
  /** Sends the signal; resolves with the exit code and how long the end took. */
  stop: (signal?: NodeJS.Signals) => Promise<{ code: number | null; tookMs: number }>
  exitCode: () => Promise<number | null>
}

export interface Block {
  text: string
  /** The part of the sign-in link that signs in; empty when none was printed. */
  link: string
  password: string
  publishLine: string
}

export interface StartOptions {
  /** Command words put before it. */
  launcher?: readonly string[]
  args?: string[]
  env?: Record<string, string>
}

/** Nothing of the developer's own settings reaches it. */
export function startProduct(site: Site, options: StartOptions = {}): Product {
  const { launcher = [], args = [], env = {} } = options
  const script = join(repositoryDir(), 'infra', 'scripts', 'start.mjs')
  const [command = '', ...words] = [...launcher, process.execPath, script, ...args]
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      // As under npm: should the tests be killed, the product notices and ends too.
      npm_lifecycle_event: 'start',
      TELLTALE_DATA_DIR: site.dataDir,
      TELLTALE_HTTP_PORT: String(site.http),
      TELLTALE_MQTT_PORT: String(site.mqtt),
      TELLTALE_MQTT_WS_PORT: String(site.ws),
      ...(site.databaseUrl && { TELLTALE_DATABASE_URL: site.databaseUrl }),
      ...env,
    },
  })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk) => {
      printed[name] += chunk
    })
  // Its output is complete only when the pipes are closed, not when it exits.
  const ended = once(child, 'close').then(() => child.exitCode)
  const output = () => `${printed.stderr}${printed.stdout}${readLogs(site.dataDir)}`
  return {
    process: child,
    stdout: () => printed.stdout,
    output,
    block: () =>
      waitFor(
        'the block of npm start',
        async () => {
          if (child.exitCode !== null) throw new Error(`npm start ended (${child.exitCode}):\n${output()}`)
          return readBlock(printed.stdout)
        },
        60_000,
      ),
    stop: async (signal = 'SIGINT') => {
      const startedMs = performance.now()
      child.kill(signal)
      return { code: await ended, tookMs: performance.now() - startedMs }
    },
    exitCode: () => ended,
  }
}

const LAST_LINE = 'Ctrl-C stops everything; your data stays.'

function readBlock(stdout: string): Block | undefined {
  if (!stdout.includes(LAST_LINE)) return undefined
  const find = (pattern: RegExp) => pattern.exec(stdout)?.[1] ?? ''
  return {
    text: stdout,
    link: find(/\/sign-in#link=(\S+)/),
    password: find(/password (\S+)/),
    publishLine: find(/^ *(mosquitto_pub .*)$/m),
  }
}

function readLogs(dataDir: string): string {
  return ['broker', 'api', 'device-simulator']
    .map((name) => {
      try {
        const lines = readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8').split('\n')
        return `--- ${name}.log, its end\n${lines.slice(-40).join('\n')}`
      } catch {
        return ''
      }
    })
    .join('\n')
}

/** The embedded server of a running site; undefined while none runs, or one that starts has not said its number. */
export function postmasterPid({ dataDir }: Site): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10) || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The process of one program of a running site. */
export async function pidOf(site: Site, program: 'broker' | 'api' | 'device-simulator'): Promise<number> {
  const script = join(program, 'dist', 'main.js')
  const found = (await processesOf(site.dataDir)).find(({ command }) => command.includes(script))
  if (!found) throw new Error(`the ${program} of ${site.dataDir} does not run`)
  return found.pid
}
