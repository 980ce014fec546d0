import { randomBytes } from 'node:crypto'
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRawClient, type RawClient } from './raw-client.ts'
import { listTargets, type Target, type TargetName } from './targets.ts'

export interface ConnectOptions extends Partial<Omit<IConnectPacket, 'cmd'>> {
  over?: 'mqtt' | 'ws'
  /** Whether deliveries are acknowledged as they come; yes if not said. */
  answers?: boolean
}

/** The suite once for each broker under test, started for this file. */
export function describeTargets(what: string, suite: (bench: Bench) => void, targets = listTargets()): void {
  for (const { name, start } of targets)
    describe(`${what} on ${name}`, () => {
      const bench = new Bench(name)
      beforeAll(async () => bench.use(await start()))
      beforeEach(() => bench.begin())
      afterEach(() => bench.end())
      afterAll(() => bench.target.stop())
      suite(bench)
    })
}

/** A broker under test, and the clients of the running test. */
export class Bench {
  readonly name: TargetName
  /** Files run side by side, and some brokers are not started for one of them alone. */
  readonly #mark = randomBytes(4).toString('hex')
  #target: Target | undefined
  #tests = 0
  #ids = 0
  #open: RawClient[] = []

  constructor(name: TargetName) {
    this.name = name
  }

  get target(): Target {
    if (!this.#target) throw new Error('the broker is not started yet')
    return this.#target
  }

  use(target: Target): void {
    this.#target = target
  }

  begin(): void {
    this.#tests++
  }

  end(): void {
    for (const client of this.#open.splice(0)) client.drop()
  }

  /** `it`, or, of a broker that is known to deviate, a test that must fail: a reason that no longer holds is found. */
  itUnless(deviates: TargetName, why: string): (name: string, run: () => Promise<void>) => void {
    if (deviates !== this.name) return it
    return (name, run) => it.fails(`${name} (${deviates} deviates: ${why})`, run)
  }

  /** A topic or filter that no other test uses. */
  topic(name: string): string {
    return `conformance/${this.#mark}${this.#tests}/${name}`
  }

  clientId(): string {
    this.#ids++
    return `c${this.#mark}x${this.#tests}x${this.#ids}`
  }

  /** Only the transport: nothing is sent. */
  async open(over: 'mqtt' | 'ws' = 'mqtt'): Promise<RawClient> {
    const client = await openRawClient(this.target.urls[over])
    this.#open.push(client)
    return client
  }

  connectPacket(options: Partial<Omit<IConnectPacket, 'cmd'>> = {}): IConnectPacket {
    const { username, password } = this.target.credentials
    return {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: this.clientId(),
      clean: true,
      keepalive: 60,
      username,
      password: Buffer.from(password),
      ...options,
    }
  }

  /** An accepted client. */
  async connect({ over, answers, ...options }: ConnectOptions = {}): Promise<RawClient> {
    const { client } = await this.connectSession({ ...(over && { over }), ...options }, answers)
    return client
  }

  /** The same, with what CONNACK said of the session. */
  async connectSession(
    { over, ...options }: ConnectOptions,
    answers = true,
  ): Promise<{ client: RawClient; sessionPresent: boolean }> {
    const client = await this.open(over)
    client.answers = answers
    client.send(this.connectPacket(options))
    const { returnCode, sessionPresent } = await client.next('connack')
    expect(returnCode).toBe(0)
    return { client, sessionPresent }
  }

  /** Until the broker is done with what `publisher` sent before: of QoS 0 nothing tells it, PINGRESP may overtake. */
  async done(publisher: RawClient): Promise<void> {
    await publisher.publish(this.topic(`marker/${this.clientId()}`), 'marker', { qos: 1 })
  }

  /**
   * What reached `subscriber` until now: a marker follows what `publisher` sent before, on a topic subscribed for it.
   */
  async delivered(subscriber: RawClient, publisher: RawClient): Promise<IPublishPacket[]> {
    const marker = this.topic(`marker/${this.clientId()}`)
    await subscriber.subscribe(marker, 1)
    await publisher.publish(marker, 'marker', { qos: 1 })
    const messages: IPublishPacket[] = []
    for (;;) {
      const message = await subscriber.take('publish')
      if (message.topic === marker) break
      if (!message.topic.includes('/marker/')) messages.push(message)
    }
    await subscriber.unsubscribe(marker)
    return messages
  }
}

/** What tests compare: without packet ids and lengths. */
export function essence({ topic, payload, qos, retain, dup }: IPublishPacket) {
  return { topic, payload: String(payload), qos, retain, dup }
}

export function payloads(messages: IPublishPacket[]): string[] {
  return messages.map(({ payload }) => String(payload))
}

/** `count` messages, in the order they come. */
export async function takeMessages(client: RawClient, count: number): Promise<IPublishPacket[]> {
  const messages: IPublishPacket[] = []
  while (messages.length < count) messages.push(await client.take('publish'))
  return messages
}
