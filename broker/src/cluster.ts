import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { StartError } from '@telltale/infra/service'
import type { Word } from './cluster-words.ts'
import { Interest } from './interest.ts'
import { RedisLink } from './redis-link.ts'
import type { OtherBrokers } from './router.ts'
import type { Published } from './sessions/sessions.ts'

/** Channels in Redis: one that all brokers hear, one for each. */
const ALL = 'telltale/brokers'
const toBroker = (brokerId: string) => `telltale/broker/${brokerId}`

export interface ClusterHandlers {
  onPacket: (packet: Published) => void
  onClient: (clientId: string) => void
  onDevice: (deviceId: string, epoch: number) => void
  connectedOf: (clientIds: string[]) => string[]
}

/**
 * The other brokers, through Redis (mqemitter-redis). Every broker tells the others which filters its clients have;
 * only what somebody elsewhere subscribed to is sent, to those brokers alone, and all messages of one turn of the
 * event loop together.
 */
export class Cluster implements OtherBrokers {
  readonly #brokerId: string
  readonly #log: Logger
  #handlers: ClusterHandlers | undefined
  readonly #redis: RedisLink
  readonly #wanted = new Set<string>()
  readonly #interest = new Interest()
  /** Told in the next change. */
  #add = new Set<string>()
  #remove = new Set<string>()
  #isChangeScheduled = false
  #changeCount = 0
  /** Change → called when it came back from Redis: by then every broker has been sent it. */
  readonly #awaited = new Map<number, (() => void)[]>()
  #nextTold: (() => void)[] = []
  readonly #outgoing = new Map<string, Published[]>()
  /** Given to Redis and not confirmed. */
  #unconfirmedBytes = 0
  readonly #questions = new Map<string, (clientIds: string[]) => void>()
  #isLosing = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: { url: string; brokerId: string; log: Logger }) {
    this.#brokerId = options.brokerId
    this.#log = options.log
    this.#redis = new RedisLink(options)
  }

  /**
   * Listens, and waits (not for long) until the others have said what they want.
   * @throws StartError when Redis does not answer, or another broker has this name
   */
  async start(): Promise<void> {
    await this.#redis.connect()
    if (await this.#hasNamesake())
      throw new StartError(`another broker called ${this.#brokerId} is running; set TELLTALE_BROKER_ID`)
    await Promise.all([
      this.#redis.listen(ALL, ({ word }) => this.#heard(word as Word)),
      this.#redis.listen(toBroker(this.#brokerId), ({ packets, word }) => {
        if (word) this.#heard(word as Word)
        for (const packet of (packets as Published[] | undefined) ?? []) this.#handlers?.onPacket(packet)
      }),
    ])
    this.#say({ kind: 'hello', from: this.#brokerId })
    this.#timer = setInterval(() => this.#beat(), limits.cluster.heartbeatMs)
    const listeners = await this.#redis.listenerCount(ALL)
    const endMs = performance.now() + limits.cluster.introductionMs
    while (this.#interest.size < listeners - 1 && performance.now() < endMs) await sleep(10)
  }

  /** Redis may take minutes to notice that a machine is gone: only a namesake that answers counts. */
  async #hasNamesake(): Promise<boolean> {
    if ((await this.#redis.listenerCount(toBroker(this.#brokerId))) === 0) return false
    const asking = `${this.#brokerId}?`
    let hasAnswered = false
    await this.#redis.listen(toBroker(asking), () => {
      hasAnswered = true
    })
    this.#redis.emit({ topic: toBroker(this.#brokerId), word: { kind: 'hello', from: asking } })
    await sleep(limits.cluster.answerMs)
    return hasAnswered
  }

  /** Called whenever messages may have been missed, because the connection was away. */
  onBack(listener: () => void): void {
    this.#redis.onBack(listener)
  }

  /** From now on what comes from other brokers is handed on. */
  handOnTo(handlers: ClusterHandlers): void {
    this.#handlers = handlers
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#say({ kind: 'bye', from: this.#brokerId })
    await this.#redis.close()
  }

  /** A channel of the same Redis that reaches all brokers, this one included. */
  readonly control = {
    publish: (topic: string, payload: Buffer): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#redis.emit({ topic: `telltale/control/${topic}`, payload }, (error) =>
          error ? reject(error) : resolve(),
        )
      }),
    subscribe: (topic: string, listener: (topic: string, payload: Buffer) => void): Promise<void> =>
      this.#redis.listen(`telltale/control/${topic}`, (message) =>
        listener(message.topic.slice('telltale/control/'.length), message.payload as Buffer),
      ),
  }

  want(filter: string): Promise<void> {
    this.#wanted.add(filter)
    this.#remove.delete(filter)
    this.#add.add(filter)
    return new Promise((resolve) => {
      this.#nextTold.push(resolve)
      this.#scheduleChange()
    })
  }

  unwant(filter: string): void {
    this.#wanted.delete(filter)
    this.#add.delete(filter)
    this.#remove.add(filter)
    this.#scheduleChange()
  }

  send(packet: Published): void {
    const { topic, payload, qos, retain } = packet
    for (const brokerId of this.#interest.of(topic)) {
      const waiting = this.#outgoing.get(brokerId)
      if (waiting) {
        waiting.push({ topic, payload, qos, retain })
        continue
      }
      this.#outgoing.set(brokerId, [{ topic, payload, qos, retain }])
      setImmediate(() => this.#flush(brokerId))
    }
  }

  announceClient(clientId: string): void {
    if (this.#interest.size > 0) this.#say({ kind: 'client', from: this.#brokerId, clientId })
  }

  announceDevice(deviceId: string, epoch: number): void {
    if (this.#interest.size > 0) this.#say({ kind: 'device', from: this.#brokerId, deviceId, epoch })
  }

  /** Which of these clients are connected to other brokers, as far as those answer in time. */
  async findConnected(clientIds: string[]): Promise<string[]> {
    if (this.#interest.size === 0) return []
    const question = randomUUID()
    const found: string[] = []
    this.#questions.set(question, (here) => found.push(...here))
    this.#say({ kind: 'who', from: this.#brokerId, question, clientIds })
    await sleep(limits.cluster.answerMs)
    this.#questions.delete(question)
    return found
  }

  #flush(brokerId: string): void {
    const packets = this.#outgoing.get(brokerId)
    this.#outgoing.delete(brokerId)
    if (!packets) return
    const bytes = packets.reduce((sum, { payload }) => sum + payload.length, 0)
    if (this.#unconfirmedBytes + bytes > limits.cluster.unconfirmedBytesMax) return this.#lost(packets.length)
    this.#isLosing = false
    this.#unconfirmedBytes += bytes
    this.#redis.emit({ topic: toBroker(brokerId), packets }, () => {
      this.#unconfirmedBytes -= bytes
    })
  }

  #lost(count: number): void {
    if (!this.#isLosing) this.#log.warn({ count }, 'Redis is too slow: messages to other brokers are dropped')
    this.#isLosing = true
  }

  #scheduleChange(): void {
    if (this.#isChangeScheduled) return
    this.#isChangeScheduled = true
    setImmediate(() => {
      this.#isChangeScheduled = false
      const number = ++this.#changeCount
      const word: Word = {
        kind: 'change',
        from: this.#brokerId,
        number,
        add: [...this.#add],
        remove: [...this.#remove],
      }
      this.#add = new Set()
      this.#remove = new Set()
      this.#awaited.set(number, this.#nextTold.splice(0))
      // Redis that is away must not keep clients from subscribing here; the others are told when it is back.
      setTimeout(() => this.#told(number), limits.cluster.toldWithinMs).unref()
      this.#say(word)
    })
  }

  #told(number: number): void {
    for (const resolve of this.#awaited.get(number) ?? []) resolve()
    this.#awaited.delete(number)
  }

  #beat(): void {
    this.#say({ kind: 'alive', from: this.#brokerId, number: this.#changeCount })
    this.#interest.forgetUnseenSince(performance.now() - limits.cluster.forgottenAfterMs)
  }

  #say(word: Word): void {
    this.#redis.emit({ topic: ALL, word })
  }

  #heard(word: Word): void {
    if (word.from === this.#brokerId) {
      if (word.kind === 'change') this.#told(word.number)
      return
    }
    if (word.kind === 'bye') return this.#interest.forget(word.from)
    const known = this.#interest.seen(word.from, performance.now())
    switch (word.kind) {
      case 'hello':
        this.#tell(word.from)
        // It has just started, or missed something: so may we have.
        if (known === -1) this.#ask(word.from)
        return
      case 'alive':
        if (word.number !== known) this.#ask(word.from)
        return
      case 'wants':
        return this.#interest.replace(word.from, word.filters, word.number)
      case 'change':
        if (word.number !== known + 1) return this.#ask(word.from)
        return this.#interest.change(word.from, word)
      case 'client':
        return this.#handlers?.onClient(word.clientId)
      case 'device':
        return this.#handlers?.onDevice(word.deviceId, word.epoch)
      case 'who': {
        const clientIds = this.#handlers?.connectedOf(word.clientIds) ?? []
        const answer: Word = { kind: 'here', from: this.#brokerId, question: word.question, clientIds }
        return this.#redis.emit({ topic: toBroker(word.from), word: answer })
      }
      case 'here':
        return void this.#questions.get(word.question)?.(word.clientIds)
    }
  }

  #ask(brokerId: string): void {
    this.#redis.emit({ topic: toBroker(brokerId), word: { kind: 'hello', from: this.#brokerId } })
  }

  #tell(brokerId: string): void {
    const word: Word = {
      kind: 'wants',
      from: this.#brokerId,
      number: this.#changeCount,
      filters: [...this.#wanted],
    }
    this.#redis.emit({ topic: toBroker(brokerId), word })
  }
}
