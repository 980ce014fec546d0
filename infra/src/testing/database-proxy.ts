import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { quietPort } from './ports.ts'

/** A TCP proxy on loopback in front of a database, which then is as slow, silent or gone as a test needs it. */
export interface DatabaseProxy {
  /** The database, through the proxy. */
  url: string
  port: number
  /** Everything flows, held bytes first; so it is at the start. */
  pass: () => void
  /** Open connections are reset, new ones refused, as of a server that is not running. */
  refuse: () => void
  /** Bytes stop both ways; connections stay open, new ones are accepted and never answered. */
  freeze: () => void
  /** Each answer comes so much later, in order. */
  slow: (ms: number) => void
  /** What is asked reaches the database, what it answers is held: `pass()` delivers it, `refuse()` never does. */
  holdAnswers: () => void
  close: () => Promise<void>
}

type State = { kind: 'pass' | 'refuse' | 'freeze' | 'hold' } | { kind: 'slow'; ms: number }

export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl)
  // Not from the range that outgoing connections get: it is given up and taken again.
  const port = await quietPort()
  const url = new URL(target)
  url.host = `127.0.0.1:${port}`
  const lines = new Set<Line>()
  let state: State = { kind: 'pass' }
  let server: Server | undefined

  const listen = (): Server => {
    const join = (client: Socket) => {
      const line: Line = new Line(client, target, () => lines.delete(line))
      lines.add(line)
      line.enter(state)
    }
    return createServer({ allowHalfOpen: true, noDelay: true }, join).listen(port, '127.0.0.1')
  }
  const enter = (next: State) => {
    state = next
    if (next.kind === 'refuse') {
      server?.close()
      server = undefined
    } else server ??= listen()
    for (const line of lines) line.enter(next)
  }

  server = listen()
  await once(server, 'listening')
  return {
    url: url.href,
    port,
    pass: () => enter({ kind: 'pass' }),
    refuse: () => enter({ kind: 'refuse' }),
    freeze: () => enter({ kind: 'freeze' }),
    slow: (ms) => enter({ kind: 'slow', ms }),
    holdAnswers: () => enter({ kind: 'hold' }),
    close: async () => {
      const closed = server && once(server, 'close')
      enter({ kind: 'refuse' })
      await closed
    },
  }
}

/** One connection through the proxy. Where bytes stop, its sockets are not read: the system keeps what comes. */
class Line {
  readonly #client: Socket
  readonly #target: URL
  readonly #onEnd: () => void
  /** Only once something may be asked. */
  #database: Socket | undefined
  #delayMs = 0
  /** Answers under way to the client; no chunk is the end of them. */
  readonly #answers: { dueMs: number; chunk: Buffer | undefined }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(client: Socket, target: URL, onEnd: () => void) {
    this.#client = client
    this.#target = target
    this.#onEnd = onEnd
    client.pause()
    client.on('data', (chunk) => this.#database?.write(chunk))
    client.on('end', () => this.#database?.end())
    client.on('error', () => {})
    client.once('close', () => this.#end())
  }

  enter(state: State): void {
    clearTimeout(this.#timer)
    if (state.kind === 'refuse') return this.#end()
    if (state.kind === 'freeze') this.#client.pause()
    else {
      this.#database ??= this.#dial()
      this.#client.resume()
    }
    if (state.kind === 'freeze' || state.kind === 'hold') {
      this.#database?.pause()
      return
    }
    this.#delayMs = state.kind === 'slow' ? state.ms : 0
    if (this.#delayMs === 0) for (const answer of this.#answers) answer.dueMs = 0
    this.#database?.resume()
    this.#deliver()
  }

  #dial(): Socket {
    const database = connect({
      port: Number(this.#target.port || 5432),
      host: this.#target.hostname,
      allowHalfOpen: true,
      noDelay: true,
    })
    database.on('data', (chunk) => this.#answer(chunk))
    database.on('end', () => this.#answer(undefined))
    database.on('error', () => this.#end())
    return database
  }

  #answer(chunk: Buffer | undefined): void {
    this.#answers.push({ dueMs: performance.now() + this.#delayMs, chunk })
    if (this.#answers.length === 1) this.#deliver()
  }

  #deliver(): void {
    clearTimeout(this.#timer)
    for (let next = this.#answers[0]; next !== undefined; next = this.#answers[0]) {
      const restMs = next.dueMs - performance.now()
      if (restMs > 0) {
        this.#timer = setTimeout(() => this.#deliver(), restMs)
        return
      }
      this.#answers.shift()
      if (next.chunk) this.#client.write(next.chunk)
      else this.#client.end()
    }
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#answers.length = 0
    this.#client.resetAndDestroy()
    this.#database?.resetAndDestroy()
    this.#onEnd()
  }
}
