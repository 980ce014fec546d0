import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from './retry.ts'
import { StartError } from './service.ts'

export interface ProgramSpec {
  name: string
  script: string
  args?: string[]
  nodeFlags?: string[]
  env: Record<string, string>
  /** Its log lines. */
  logFile: string
  /** How long it may take to stop before it is killed. */
  stopDeadlineMs: number
  /** Part of the platform: it says `ready` over IPC, and its stderr is for the person at the terminal. */
  isPlatform: boolean
}

const RESTART_BACKOFF = { minMs: 200, maxMs: 5_000 }
/** A program that ran this long starts over with short waits. */
const STABLE_MS = 30_000
/** From so many ends in a row on, a person is told how long it waits and where to look. */
const OFTEN = 3

/**
 * Keeps one program running in a process of its own: restarted with growing waits when it ends by itself, stopped
 * with SIGTERM and, if that does not help, SIGKILL.
 */
export class Supervised {
  readonly #spec: ProgramSpec
  readonly #say: (line: string) => void
  #child: ChildProcess | undefined
  /** The part of the platform that said `ready`, which so can also stop in order. */
  #ready: ChildProcess | undefined
  #isStopping = false
  #attempt = 0

  constructor(spec: ProgramSpec, say: (line: string) => void) {
    this.#spec = spec
    this.#say = say
  }

  /** @throws StartError when the first start fails; it has told the person why on stderr */
  async start(): Promise<void> {
    if (!(await this.#launch())) throw new StartError(`the ${this.#spec.name} did not start`)
  }

  /**
   * Of one that has ended already, or was asked during its start, or that somebody else killed, nothing is said.
   * @throws Error when a part of the platform had to be killed, or did not end as one that has done all it had to do
   */
  async stop(): Promise<void> {
    this.#isStopping = true
    const child = this.#child
    if (!child || child.pid === undefined || hasEnded(child)) return
    const { name, stopDeadlineMs } = this.#spec
    const wasReady = this.#ready === child
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    let isKilled = false
    const timer = setTimeout(() => {
      isKilled = true
      child.kill('SIGKILL')
    }, stopDeadlineMs)
    await exited
    clearTimeout(timer)
    if (!wasReady || child.exitCode === 0) return
    if (isKilled)
      throw new Error(`the ${name} did not stop within ${stopDeadlineMs / 1_000} s and was killed`)
    if (child.signalCode !== 'SIGKILL') throw new Error(`the ${name} did not stop in order (${whyOf(child)})`)
  }

  /** @returns whether it became ready */
  async #launch(): Promise<boolean> {
    const { script, args = [], nodeFlags = [], env, logFile, isPlatform } = this.#spec
    mkdirSync(dirname(logFile), { recursive: true })
    const child = fork(script, args, {
      execArgv: nodeFlags,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', isPlatform ? 'inherit' : 'pipe', 'ipc'],
      // Ctrl-C in the terminal reaches only us: we stop the programs in their order.
      detached: true,
    })
    this.#child = child
    const log = createWriteStream(logFile, { flags: 'a' })
    // A full disk costs log lines, not the platform.
    log.on('error', () => {})
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    const startedMs = performance.now()
    const exited = endOf(child).then(() => {
      log.end()
      return false
    })
    const ready = new Promise<boolean>((resolve) => child.once('message', () => resolve(true)))
    const isReady = isPlatform ? await Promise.race([ready, exited]) : true
    if (isReady && isPlatform) this.#ready = child
    if (isReady) void exited.then(() => this.#ended(child, performance.now() - startedMs))
    return isReady
  }

  async #ended(child: ChildProcess, ranMs: number): Promise<void> {
    this.#attempt = ranMs > STABLE_MS ? 0 : this.#attempt
    for (let ended = child; !this.#isStopping; ended = this.#child ?? ended) {
      const waitMs = backoffMs(RESTART_BACKOFF, this.#attempt++)
      this.#say(`the ${this.#spec.name} ended (${whyOf(ended)}); starting it again${this.#howOften(waitMs)}`)
      await sleep(waitMs)
      // Where processes, descriptors or room on the disk ran out, they may be there the next time.
      if (this.#isStopping || (await this.#launch().catch(() => false))) return
    }
  }

  #howOften(waitMs: number): string {
    if (this.#attempt < OFTEN) return ''
    const { logFile } = this.#spec
    return ` in ${(waitMs / 1_000).toFixed(1)} s; that was ${this.#attempt} times in a row, ${logFile} may say why`
  }
}

/** Also of one that the system could not start. */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.on('error', () => {
      if (child.pid === undefined) resolve()
    })
  })
}

function whyOf({ pid, signalCode, exitCode }: ChildProcess): string {
  if (pid === undefined) return 'the system could not start it'
  return signalCode ? `signal ${signalCode}` : `exit code ${exitCode}`
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
