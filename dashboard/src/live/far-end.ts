import type { ChangeOutcome, PollOutcome, PollQuery, Server, Stream } from './server.ts'
import type { Channel, Surroundings } from './surroundings.ts'

/** For tests: the server, and the browser around a tab, where there is none. */

export class FarStream implements Stream {
  readonly url: string
  closed = false
  private readonly handlers = new Map<string, (event: MessageEvent) => void>()

  constructor(url: string) {
    this.url = url
  }

  addEventListener(type: string, handler: unknown): void {
    this.handlers.set(type, handler as (event: MessageEvent) => void)
  }

  close(): void {
    this.closed = true
  }

  send(type: string, data: unknown, lastEventId = ''): void {
    this.handlers.get(type)?.({ data: JSON.stringify(data), lastEventId } as MessageEvent)
  }

  hello(lastEventId: string, stream = 's'): void {
    this.send('hello', { stream, serverTime: Date.now() }, lastEventId)
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.url.slice(this.url.indexOf('?')))
  }
}

type Asked<Q, A> = Q & { answer: (outcome: A) => void }

export class FarServer implements Server {
  readonly streams: FarStream[] = []
  readonly polls: Asked<PollQuery & { aborted: () => boolean }, PollOutcome>[] = []
  readonly changes: Asked<{ stream: string; devices: readonly string[] }, ChangeOutcome>[] = []
  missing: string[] = []

  openStream(url: string): FarStream {
    const stream = new FarStream(url)
    this.streams.push(stream)
    return stream
  }

  poll(query: PollQuery, signal: AbortSignal): Promise<PollOutcome> {
    return new Promise((answer) => {
      signal.addEventListener('abort', () => answer({ kind: 'unreachable' }))
      this.polls.push({ ...query, aborted: () => signal.aborted, answer })
    })
  }

  changeStream(stream: string, devices: readonly string[]): Promise<ChangeOutcome> {
    return new Promise((answer) => {
      this.changes.push({ stream, devices, answer })
    })
  }

  missingDevices(devices: readonly string[]): Promise<string[]> {
    return Promise.resolve(devices.filter((id) => this.missing.includes(id)))
  }

  get newest(): FarStream {
    return this.streams.at(-1) as FarStream
  }
}

type Holder = { reject: (error: Error) => void }
type Waiter = { grant: () => void; signal: AbortSignal | undefined }

/** Enough of the Web Locks API for one name. */
class OneLock {
  private holder: Holder | null = null
  private waiters: Waiter[] = []

  request(options: LockOptions, hold: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const grant = () => {
        const mine: Holder = { reject }
        this.holder = mine
        void hold().then((value) => {
          resolve(value)
          if (this.holder === mine) this.next()
        })
      }
      options.signal?.addEventListener('abort', () => {
        this.waiters = this.waiters.filter((waiter) => waiter.grant !== grant)
        reject(new DOMException('withdrawn', 'AbortError'))
      })
      if (options.steal === true) {
        this.holder?.reject(new DOMException('stolen', 'AbortError'))
        grant()
      } else {
        this.waiters.push({ grant, signal: options.signal })
        if (this.holder === null) this.next()
      }
    })
  }

  private next(): void {
    this.holder = null
    this.waiters.shift()?.grant()
  }
}

/** One browser: a lock and a channel that its tabs share. */
export class FarBrowser {
  private readonly locks = new Map<string, OneLock>()
  private readonly channels = new Map<string, Set<FarChannel>>()

  tab(): Surroundings & FarTab {
    const changes = new Set<() => void>()
    let isVisible = true
    let mine: FarChannel | null = null
    return {
      locks: {
        request: (name: string, options: LockOptions, hold: () => Promise<unknown>) =>
          entryOf(this.locks, name, () => new OneLock()).request(options, hold),
      } as LockManager,
      openChannel: (name) => {
        mine = new FarChannel(entryOf(this.channels, name, () => new Set()))
        return mine
      },
      isVisible: () => isVisible,
      onChange: (listener) => {
        changes.add(listener)
        return () => changes.delete(listener)
      },
      freeze: () => {
        if (mine !== null) mine.isFrozen = true
      },
      deafen: (isDeaf) => {
        if (mine !== null) mine.isDeaf = isDeaf
      },
      look: (visible) => {
        isVisible = visible
        for (const listener of changes) listener()
      },
    }
  }
}

type FarTab = {
  /** It neither hears nor says anything any more. */
  freeze: () => void
  /** It does not hear what the others say. */
  deafen: (isDeaf: boolean) => void
  look: (isVisible: boolean) => void
}

function entryOf<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name) ?? make()
  map.set(name, known)
  return known
}

class FarChannel implements Channel {
  onmessage: Channel['onmessage'] = null
  isFrozen = false
  isDeaf = false
  private readonly all: Set<FarChannel>

  constructor(all: Set<FarChannel>) {
    this.all = all
    all.add(this)
  }

  postMessage(message: unknown): void {
    const copy = JSON.stringify(message)
    if (this.isFrozen) return
    for (const other of this.all) if (other !== this) queueMicrotask(() => other.deliver(copy))
  }

  close(): void {
    this.all.delete(this)
  }

  private deliver(copy: string): void {
    if (!this.isFrozen && !this.isDeaf && this.all.has(this))
      this.onmessage?.call(this as never, { data: JSON.parse(copy) } as MessageEvent)
  }
}

/** A tab without locks: it has its line for itself. */
export function alone(): Surroundings {
  return {
    locks: undefined,
    openChannel: () => new FarChannel(new Set()),
    isVisible: () => true,
    onChange: () => () => {},
  }
}
