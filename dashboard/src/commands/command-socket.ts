import type { ClientFrame, Command, Problem, ServerFrame } from '@telltale/api/contract'
import ReconnectingWebSocket from 'partysocket/ws'

const answerMaxMs = 8_000
/** A line that ends in silence is found dead by the second ping, and another is tried at once. */
export const pingEveryMs = 4_000

/**
 * Promise T: there is a line within 10 s after a fault, however long it was. An attempt that hangs is given up after
 * 4 s, and the next one begins at most 3.9 s later. Spread, so that a restarted server is not met by everybody at once.
 */
export function reconnectDelays(random: number) {
  const minMs = 700 + 600 * random
  return { minReconnectionDelay: minMs, maxReconnectionDelay: 3 * minMs, connectionTimeout: 4_000 }
}

export type SocketPhase = 'connecting' | 'open' | 'closed'
export type CommandRequest = Omit<Extract<ClientFrame, { type: 'command' }>, 'type'>

/** What became of a request that has no record yet. */
export type SendOutcome =
  | { kind: 'recorded'; command: Command }
  | { kind: 'refused'; problem: Problem }
  /** There was no line: it has not left this page. */
  | { kind: 'not-sent' }
  /** The line broke before the answer: the record, if there is one, must be looked up by its id. */
  | { kind: 'unknown' }

type Waiting = { settle: (outcome: SendOutcome) => void; timer: ReturnType<typeof setTimeout> }

/**
 * The command channel. It never queues: what cannot be sent now is not sent later,
 * because a command that fires when the network comes back is a danger to whoever stands beside the machine.
 */
export class CommandSocket {
  private socket: ReconnectingWebSocket | null = null
  private phase: SocketPhase = 'closed'
  private users = 0
  private isUnanswered = false
  private pinger: ReturnType<typeof setInterval> | undefined
  private readonly waiting = new Map<string, Waiting>()
  private readonly phaseListeners = new Set<() => void>()
  private readonly commandListeners = new Set<(command: Command) => void>()

  /** Open while at least one screen uses it. */
  use(): () => void {
    this.users += 1
    if (this.users === 1) this.open()
    return () => {
      this.users -= 1
      if (this.users === 0) this.close()
    }
  }

  readonly subscribePhase = (listener: () => void): (() => void) => {
    this.phaseListeners.add(listener)
    return () => this.phaseListeners.delete(listener)
  }

  readonly getPhase = (): SocketPhase => this.phase

  onCommand(listener: (command: Command) => void): () => void {
    this.commandListeners.add(listener)
    return () => this.commandListeners.delete(listener)
  }

  send(request: CommandRequest): Promise<SendOutcome> {
    const { socket } = this
    if (socket === null || socket.readyState !== WebSocket.OPEN) return Promise.resolve({ kind: 'not-sent' })
    return new Promise((settle) => {
      const timer = setTimeout(() => this.giveUp(socket), answerMaxMs)
      this.waiting.set(request.id, { settle, timer })
      socket.send(JSON.stringify({ type: 'command', ...request } satisfies ClientFrame))
    })
  }

  /** Resolves when there is a line; at once when there is one. */
  whenOpen(): Promise<void> {
    if (this.phase === 'open') return Promise.resolve()
    return new Promise((resolve) => {
      const forget = this.subscribePhase(() => {
        if (this.phase !== 'open') return
        forget()
        resolve()
      })
    })
  }

  private open(): void {
    const url = `${window.location.origin.replace(/^http/, 'ws')}/api/v1/socket`
    const socket = new ReconnectingWebSocket(url, 'telltale.v1', {
      maxEnqueuedMessages: 0,
      ...reconnectDelays(Math.random()),
    })
    this.socket = socket
    this.setPhase('connecting')
    socket.addEventListener('open', () => this.setPhase('open'))
    socket.addEventListener('close', () => this.lose())
    socket.addEventListener('message', (event) => this.receive(String(event.data)))
    this.pinger = setInterval(() => this.ping(socket), pingEveryMs)
  }

  /** A line whose other end is gone looks open until somebody asks. */
  private ping(socket: ReconnectingWebSocket): void {
    if (socket.readyState !== WebSocket.OPEN) return
    if (this.isUnanswered) return this.giveUp(socket)
    this.isUnanswered = true
    socket.send(JSON.stringify({ type: 'ping' } satisfies ClientFrame))
  }

  private giveUp(socket: ReconnectingWebSocket): void {
    this.lose()
    if (socket === this.socket) socket.reconnect()
  }

  private close(): void {
    clearInterval(this.pinger)
    this.socket?.close()
    this.socket = null
    this.lose()
  }

  private receive(text: string): void {
    this.isUnanswered = false
    const frame = JSON.parse(text) as ServerFrame
    if (frame.type === 'command') {
      this.settle(frame.command.id, { kind: 'recorded', command: frame.command })
      for (const listener of this.commandListeners) listener(frame.command)
    } else if (frame.type === 'error' && frame.id !== undefined) {
      this.settle(frame.id, { kind: 'refused', problem: frame.problem })
    } else if (frame.type === 'ping') {
      this.socket?.send(JSON.stringify({ type: 'pong' } satisfies ClientFrame))
    }
  }

  private lose(): void {
    this.isUnanswered = false
    this.setPhase('closed')
    for (const id of [...this.waiting.keys()]) this.settle(id, { kind: 'unknown' })
  }

  private settle(id: string, outcome: SendOutcome): void {
    const waiting = this.waiting.get(id)
    if (waiting === undefined) return
    this.waiting.delete(id)
    clearTimeout(waiting.timer)
    waiting.settle(outcome)
  }

  private setPhase(phase: SocketPhase): void {
    if (phase === this.phase) return
    this.phase = phase
    for (const listener of this.phaseListeners) listener()
  }
}
