import { randomUUID } from 'node:crypto'
import { getCommand } from '@telltale/infra/storage/commands'
import type { RawData, WebSocket } from 'ws'
import { audit } from '../audit.ts'
import { sendCommand } from '../commands/service.ts'
import type { ClientFrame, Command, ServerFrame } from '../contract/index.ts'
import type { Deps } from '../deps.ts'
import { asProblemError, toProblem } from '../errors.ts'
import { ProblemError } from '../problems.ts'
import { authenticateToken, mayActAs, type Principal } from '../session/authenticate.ts'
import { parseFrame } from './frames.ts'
import type { CommandListener } from './hub.ts'
import { liveLimits } from './limits.ts'
import { RateLimit } from './rate-limit.ts'

const limits = liveLimits.socket

export const closeCodes = {
  restart: 1012,
  notSignedIn: 4001,
  forbidden: 4003,
  noProtocol: 4006,
  tooSlow: 4008,
  rateLimited: 4029,
} as const

type CommandFrame = Extract<ClientFrame, { type: 'command' }>

/** One WebSocket from its acceptance to its end. Frames are handled one after the other, in their order. */
export class SocketSession implements CommandListener {
  readonly #deps: Deps
  readonly #socket: WebSocket
  readonly #address: string
  readonly #rate = new RateLimit(limits.commandsPerSecondMax)
  /** Commands sent here and not finished: their transitions come back here. */
  readonly #followed = new Set<string>()
  #principal: Principal | undefined
  #work: Promise<void> = Promise.resolve()
  /** Frames received and not handled yet. */
  #waiting = 0
  #refusals = 0
  #missedPongs = 0

  constructor(deps: Deps, socket: WebSocket, address: string) {
    this.#deps = deps
    this.#socket = socket
    this.#address = address
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
  }

  /** The client could not send credentials with the upgrade: its first frame must. */
  expectAuth(): void {
    const timer = setTimeout(() => {
      if (!this.#principal) this.#close(closeCodes.tooSlow, 'no auth in time')
    }, limits.authTimeoutMs)
    this.#socket.on('close', () => clearTimeout(timer))
  }

  start(principal: Principal): void {
    const { sessions, hub } = this.#deps
    if (sessions.countOf(principal.name) >= liveLimits.streamsPerUserMax)
      return this.#close(closeCodes.rateLimited, 'too many streams')
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#principal = principal
    const forgetSession = sessions.add(principal, () => this.#close(closeCodes.notSignedIn, 'session ended'))
    const forgetCommands = hub.listenCommands(this)
    const pings = setInterval(() => this.#ping(), limits.pingMs)
    this.#socket.on('pong', () => {
      this.#missedPongs = 0
    })
    this.#socket.on('close', () => {
      forgetSession()
      forgetCommands()
      clearInterval(pings)
    })
    this.#send({ type: 'hello', protocol: this.#socket.protocol, serverTime: Date.now() })
  }

  onCommand(command: Command): void {
    if (!this.#followed.has(command.id)) return
    if (command.finishedAt !== null) this.#followed.delete(command.id)
    this.#send({ type: 'command', command })
  }

  /** Transitions may be lost with the broker link; the rows are not. */
  onGap(): void {
    this.#inOrder(async () => {
      for (const id of [...this.#followed]) {
        const command = await getCommand(this.#deps.pool, id)
        if (command) this.onCommand(command)
      }
    })
  }

  #receive(data: RawData, isBinary: boolean): void {
    let id: string | undefined
    try {
      if (isBinary) throw new ProblemError('unsupported_media_type')
      const frame = parseFrame(data.toString())
      if (frame.type === 'command') {
        // As the database answers it: what comes back is looked up by it.
        frame.id = frame.id.toLowerCase()
        id = frame.id
        // Counted as it arrives, not when its turn comes: a slow database is not the client's haste.
        if (!this.#rate.take()) throw new ProblemError('too_many_requests', { retryAfterS: 1 })
      }
      this.#enter(id, () => this.#dispatch(frame))
    } catch (error) {
      this.#enter(id, () => Promise.reject(error))
    }
  }

  /** Frames are answered in order; while too many wait, the socket is not read. */
  #enter(id: string | undefined, answer: () => Promise<void>): void {
    if (++this.#waiting === limits.framesWaitingMax) this.#socket.pause()
    this.#inOrder(async () => {
      try {
        await answer()
      } catch (error) {
        this.#refuse(error, id)
      } finally {
        if (--this.#waiting === 0) this.#socket.resume()
      }
    })
  }

  #inOrder(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#refuse(error))
  }

  async #dispatch(frame: ClientFrame): Promise<void> {
    if (frame.type === 'auth') return this.#authenticate(frame.token)
    if (!this.#principal) return this.#close(closeCodes.notSignedIn, 'auth first')
    switch (frame.type) {
      case 'command':
        return this.#command(frame, this.#principal)
      case 'ping':
        return this.#send({ type: 'pong' })
      case 'pong':
    }
  }

  async #authenticate(token: string): Promise<void> {
    if (this.#principal) return
    const principal = await authenticateToken(this.#deps.pool, token)
    if (!principal) return this.#close(closeCodes.notSignedIn, 'not signed in')
    this.start(principal)
  }

  /** The frame's id is the command's id and its idempotency key. */
  async #command(frame: CommandFrame, principal: Principal): Promise<void> {
    this.#refusals = 0
    if (!mayActAs(principal.role, 'operator')) throw new ProblemError('forbidden')
    const { id, deviceId, name, params, ttlMs } = frame
    // Followed before it is queued: the broker may be faster than our own insert's answer.
    const wasFollowed = this.#followed.has(id)
    this.#follow(id)
    try {
      const asked = { id, deviceId, name, params, ttlMs, createdBy: principal.name, idempotencyKey: id }
      const { command, isNew } = await sendCommand(this.#deps, asked)
      if (!isNew) return this.onCommand(command)
      const detail = { commandId: id, name }
      const who = { principal, ip: this.#address }
      await audit(this.#deps, who, { action: 'command.send', target: deviceId, detail, result: 'ok' })
    } catch (error) {
      if (!wasFollowed) this.#followed.delete(id)
      throw error
    }
  }

  #follow(id: string): void {
    this.#followed.add(id)
    const oldest = this.#followed.values().next()
    if (this.#followed.size > limits.followedMax && !oldest.done) this.#followed.delete(oldest.value)
  }

  #refuse(error: unknown, id?: string): void {
    const problem = asProblemError(error)
    if (problem.code === 'internal') this.#deps.log.error({ err: error }, 'socket frame failed')
    this.#send({ type: 'error', ...(id && { id }), problem: toProblem(problem, randomUUID()) })
    if (++this.#refusals > limits.refusalsMax) this.#close(closeCodes.rateLimited, 'too many refused frames')
  }

  #send(frame: ServerFrame): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    if (this.#socket.bufferedAmount > limits.bufferedBytesMax)
      return this.#close(closeCodes.tooSlow, 'too slow')
    this.#socket.send(JSON.stringify(frame))
  }

  #ping(): void {
    if (this.#missedPongs >= limits.missedPongsMax) return this.#socket.terminate()
    this.#missedPongs++
    this.#socket.ping()
    this.#send({ type: 'ping' })
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    // A peer that takes nothing never answers the close either.
    setTimeout(() => this.#socket.terminate(), limits.closeGraceMs).unref()
  }
}
