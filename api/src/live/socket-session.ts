import { randomUUID } from 'node:crypto'
import { getCommand } from '@telltale/infra/storage/commands'
import type { RawData, WebSocket } from 'ws'
import { audit } from '../audit.ts'
import { sendCommand } from '../commands/service.ts'
import type { ClientFrame, Command, ServerFrame } from '../contract/index.ts'
import type { Deps } from '../deps.ts'
import { asProblemError, toProblem } from '../errors.ts'
import { ProblemError } from '../problems.ts'
import { mayActAs, type Principal } from '../session/authenticate.ts'
import { identify } from '../session/identify.ts'
import { isSettled, stepOf } from './command-order.ts'
import { parseFrame } from './frames.ts'
import type { CommandListener } from './hub.ts'
import { liveLimits } from './limits.ts'
import type { Place } from './places.ts'
import { RateLimit } from './rate-limit.ts'
import { closeSocket } from './socket-close.ts'

const limits = liveLimits.socket
/** Before the first step. */
const NOT_TOLD = -1

type CommandFrame = Extract<ClientFrame, { type: 'command' }>

/** One WebSocket from its acceptance to its end. Frames are handled one after the other, in their order. */
export class SocketSession implements CommandListener {
  readonly #deps: Deps
  readonly #socket: WebSocket
  readonly #from: { ip: string; place: Place }
  readonly #rate = new RateLimit(limits.commandsPerSecondMax)
  /** Commands sent here that may still change, and how far they were told: their transitions come back here. */
  readonly #followed = new Map<string, number>()
  #principal: Principal | undefined
  /** It is no longer one of those that nobody knows. */
  #known = (): void => {}
  #work: Promise<void> = Promise.resolve()
  /** Frames received and not handled yet. */
  #waiting = 0
  #refusals = 0
  #missedPongs = 0

  constructor(deps: Deps, socket: WebSocket, from: { ip: string; place: Place }) {
    this.#deps = deps
    this.#socket = socket
    this.#from = from
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
  }

  /** The client could not send credentials with the upgrade: its first frame must. */
  expectAuth(): void {
    const { ip } = this.#from
    const isAdmitted = this.#admit(() => {
      this.#known = this.#deps.places.anonymous(ip)
    })
    if (!isAdmitted) return
    const timer = setTimeout(() => {
      if (!this.#principal) closeSocket(this.#socket, 'tooSlow', 'no auth in time')
    }, limits.authTimeoutMs)
    this.#socket.on('close', () => {
      clearTimeout(timer)
      this.#known()
    })
  }

  start(principal: Principal): void {
    if (!this.#isOpen) return
    const { place } = this.#from
    if (!this.#admit(() => this.#deps.places.claim(place, principal.name))) return
    this.#known()
    this.#begin(principal)
  }

  #begin(principal: Principal): void {
    const { sessions, hub } = this.#deps
    this.#principal = principal
    const forgetSession = sessions.add(principal, () =>
      closeSocket(this.#socket, 'notSignedIn', 'session ended'),
    )
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

  /** Rows come as they change, and as they were read: what was read a moment ago may be old by now. */
  onCommand(command: Command): void {
    const step = stepOf(command)
    const told = this.#followed.get(command.id)
    if (told === undefined || step < told) return
    if (isSettled(command)) this.#followed.delete(command.id)
    else this.#followed.set(command.id, step)
    this.#send({ type: 'command', command })
  }

  /** Transitions may be lost with the broker link; the rows are not. */
  onGap(): void {
    this.#inOrder(async () => {
      for (const id of [...this.#followed.keys()]) {
        const command = await getCommand(this.#deps.pool, id)
        if (command) this.onCommand(command)
      }
    })
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** `take` throws when there is no place left. */
  #admit(take: () => void): boolean {
    try {
      take()
      return true
    } catch {
      closeSocket(this.#socket, 'rateLimited', 'too many streams')
      return false
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    // Still read after our close, until the peer answers it.
    if (!this.#isOpen) return
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
        // The session may have ended while it waited.
        if (this.#isOpen) await answer()
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
    if (!this.#principal) return closeSocket(this.#socket, 'notSignedIn', 'auth first')
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
    const principal = await identify(this.#deps, { authorization: `Bearer ${token}`, cookie: undefined })
    if (!principal) return closeSocket(this.#socket, 'notSignedIn', 'not signed in')
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
      const asked = { id, deviceId, name, params, ttlMs, createdBy: principal.name }
      const { command, isNew } = await this.#deps.database.orAway(() => sendCommand(this.#deps, asked))
      if (!isNew) return this.onCommand(command)
      const detail = { commandId: id, name }
      const who = { principal, ip: this.#from.ip }
      await audit(this.#deps, who, { action: 'command.send', target: deviceId, detail, result: 'ok' })
    } catch (error) {
      if (!wasFollowed) this.#followed.delete(id)
      throw error
    }
  }

  #follow(id: string): void {
    if (!this.#followed.has(id)) this.#followed.set(id, NOT_TOLD)
    const oldest = this.#followed.keys().next()
    if (this.#followed.size > limits.followedMax && !oldest.done) this.#followed.delete(oldest.value)
  }

  #refuse(error: unknown, id?: string): void {
    const problem = asProblemError(error)
    if (problem.code === 'internal') this.#deps.log.error({ err: error }, 'socket frame failed')
    this.#send({ type: 'error', ...(id && { id }), problem: toProblem(problem, randomUUID()) })
    if (++this.#refusals > limits.refusalsMax)
      closeSocket(this.#socket, 'rateLimited', 'too many refused frames')
  }

  #send(frame: ServerFrame): void {
    if (!this.#isOpen) return
    if (this.#socket.bufferedAmount > limits.bufferedBytesMax)
      return closeSocket(this.#socket, 'tooSlow', 'too slow')
    this.#socket.send(JSON.stringify(frame))
  }

  #ping(): void {
    if (this.#missedPongs >= limits.missedPongsMax) return this.#socket.terminate()
    this.#missedPongs++
    this.#socket.ping()
    this.#send({ type: 'ping' })
  }
}
