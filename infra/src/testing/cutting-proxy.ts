import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { random } from './random.ts'

const faults = ['fin', 'reset', 'silence', 'delay', 'splinter'] as const
export type Fault = (typeof faults)[number]

/** A TCP proxy on loopback that harms the connections through it, as a seed decides. */
export interface CuttingProxy {
  port: number
  /** Ports that new connections go to, turn by turn; the next one when one refuses. */
  targets: number[]
  /** How often each fault was done. */
  readonly done: Readonly<Record<Fault, number>>
  /** From now on every connection, open or new, meets a fault now and then. */
  disturb: () => void
  /** No more faults. What is silent is cut: bytes are missing there. */
  calm: () => void
  /** All connections of this moment. */
  cut: (how: 'fin' | 'reset') => void
  close: () => Promise<void>
}

interface ProxyOptions {
  seed: number
  targets: number[]
  /** Between two faults of one connection: at least, at most. */
  calmMs?: readonly [number, number]
}

export async function startCuttingProxy(options: ProxyOptions): Promise<CuttingProxy> {
  const { seed, targets, calmMs = CALM_MS } = options
  const lines = new Set<Line>()
  const done: Record<Fault, number> = { fin: 0, reset: 0, silence: 0, delay: 0, splinter: 0 }
  let isDisturbed = false
  let turn = 0
  const server = createServer({ noDelay: true }, (client) => {
    // Numbers of its own for each connection: what others do changes nothing here.
    const line = new Line(client, random(seed * 10_007 + turn), {
      calmMs,
      onFault: (fault) => {
        done[fault]++
      },
      onEnd: () => lines.delete(line),
    })
    lines.add(line)
    void dial(proxy.targets, turn++).then((upstream) => line.join(upstream))
    if (isDisturbed) line.disturb()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: CuttingProxy = {
    port: (server.address() as AddressInfo).port,
    targets,
    done,
    disturb: () => {
      isDisturbed = true
      for (const line of lines) line.disturb()
    },
    calm: () => {
      isDisturbed = false
      for (const line of lines) line.calm()
    },
    cut: (how) => {
      for (const line of lines) line.cut(how)
    },
    close: async () => {
      for (const line of lines) line.cut('reset')
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** Undefined when nobody listens at any of them. */
async function dial(targets: readonly number[], turn: number): Promise<Socket | undefined> {
  for (let i = 0; i < targets.length; i++) {
    const socket = connect({
      port: targets[(turn + i) % targets.length] ?? 0,
      host: '127.0.0.1',
      noDelay: true,
    })
    try {
      await once(socket, 'connect')
      return socket
    } catch {
      socket.destroy()
    }
  }
  return undefined
}

/** In these bounds the seed chooses. */
const CALM_MS = [50, 1_000] as const
const SILENCE_MS = [300, 2_500] as const
const TROUBLE_MS = [100, 1_000] as const
const DELAY_MS = [5, 150] as const
/** Of one chunk: a large answer must not take minutes. */
const PIECES_MAX = 64

interface LineOptions {
  calmMs: readonly [number, number]
  onFault: (fault: Fault) => void
  onEnd: () => void
}

/** One connection through the proxy: the client's socket and ours to the target. */
class Line {
  readonly #client: Socket
  #upstream: Socket | undefined
  readonly #random: () => number
  readonly #options: LineOptions
  #trouble: 'silence' | 'delay' | 'splinter' | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(client: Socket, numbers: () => number, options: LineOptions) {
    this.#client = client
    this.#random = numbers
    this.#options = options
    client.on('error', () => {})
    client.once('close', () => this.#end())
  }

  join(upstream: Socket | undefined): void {
    if (upstream === undefined || this.#client.destroyed) {
      upstream?.destroy()
      return this.cut('reset')
    }
    this.#upstream = upstream
    upstream.on('error', () => {})
    upstream.once('close', () => this.#end())
    this.#client.pipe(this.#shaper()).pipe(upstream)
    upstream.pipe(this.#shaper()).pipe(this.#client)
  }

  disturb(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#meet(), this.#between(this.#options.calmMs))
  }

  calm(): void {
    clearTimeout(this.#timer)
    if (this.#trouble === 'silence') return this.cut('reset')
    this.#trouble = undefined
  }

  cut(how: 'fin' | 'reset'): void {
    clearTimeout(this.#timer)
    this.#trouble = undefined
    for (const socket of [this.#client, this.#upstream])
      if (how === 'fin') socket?.end()
      else socket?.resetAndDestroy()
  }

  #meet(): void {
    const fault = faults[Math.floor(this.#random() * faults.length)] as Fault
    this.#options.onFault(fault)
    if (fault === 'fin' || fault === 'reset') return this.cut(fault)
    this.#trouble = fault
    const overMs = this.#between(fault === 'silence' ? SILENCE_MS : TROUBLE_MS)
    this.#timer = setTimeout(() => {
      this.calm()
      if (!this.#client.destroyed) this.disturb()
    }, overMs)
  }

  /** While silent, one side does not hear that the other is gone. */
  #end(): void {
    if (this.#trouble === 'silence' && this.#upstream !== undefined) return
    clearTimeout(this.#timer)
    this.#client.destroy()
    this.#upstream?.destroy()
    this.#options.onEnd()
  }

  /** Order is kept: the next chunk waits until all pieces of this one are out. */
  #shaper(): Transform {
    const pieces = (chunk: Buffer) => this.#pieces(chunk)
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const push = async () => {
          for await (const piece of pieces(chunk)) this.push(piece)
        }
        push().then(() => done(), done)
      },
    })
  }

  async *#pieces(chunk: Buffer): AsyncGenerator<Buffer> {
    switch (this.#trouble) {
      case 'silence':
        return
      case 'delay':
        await sleep(this.#between(DELAY_MS))
        return yield chunk
      case 'splinter':
        return yield* this.#splinters(chunk)
      default:
        yield chunk
    }
  }

  async *#splinters(chunk: Buffer): AsyncGenerator<Buffer> {
    const bytesMin = Math.ceil(chunk.length / PIECES_MAX)
    for (let at = 0; at < chunk.length; ) {
      const bytes = bytesMin + Math.floor(this.#random() * 8)
      yield chunk.subarray(at, at + bytes)
      at += bytes
      await nextTurn()
    }
  }

  #between([least, most]: readonly [number, number]): number {
    return least + this.#random() * (most - least)
  }
}
