import { generate, type IConnectPacket, type Packet } from 'mqtt-packet'

/** Valid packets that a client may send, from a seeded source of randomness. */
export interface Identity {
  username: string
  password: string
  /** What it may publish and subscribe to begins with this. */
  root: string
}

type Random = () => number

const WORDS = ['telemetry', 'status', 'a', 'grün', '温度', '😀', 'x y', '\ufeffbom', 'telemetry/t']

export function randomInt(random: Random, below: number): number {
  return Math.floor(random() * below)
}

export function randomConnect(
  random: Random,
  identity: Identity,
  options: Partial<IConnectPacket> = {},
): Buffer {
  const is31 = random() < 0.2
  const will = {
    topic: `${identity.root}/status`,
    payload: Buffer.from('offline'),
    qos: 1 as const,
    retain: true,
  }
  return generate({
    cmd: 'connect',
    protocolId: is31 ? 'MQIsdp' : 'MQTT',
    protocolVersion: is31 ? 3 : 4,
    clean: random() < 0.8,
    clientId: `c${randomInt(random, 1_000)}`,
    keepalive: randomInt(random, 120),
    username: identity.username,
    password: Buffer.from(identity.password),
    ...(random() < 0.3 && { will }),
    ...options,
  })
}

/** What follows CONNECT. */
export function randomPackets(random: Random, identity: Identity, count: number): Buffer[] {
  return Array.from({ length: count }, () => generate(randomPacket(random, identity.root)))
}

function randomPacket(random: Random, root: string): Packet {
  const messageId = 1 + randomInt(random, 65_535)
  const kind = random()
  if (kind < 0.6) return randomPublish(random, root)
  if (kind < 0.7) return { cmd: 'pingreq' }
  if (kind < 0.8) return { cmd: 'pubrel', messageId }
  if (kind < 0.85) return { cmd: 'puback', messageId }
  if (kind < 0.95) {
    const qos = randomInt(random, 3) as 0 | 1 | 2
    return {
      cmd: 'subscribe',
      messageId,
      subscriptions: [
        { topic: `${root}/+/#`, qos },
        { topic: root, qos },
      ],
    }
  }
  return { cmd: 'unsubscribe', messageId, unsubscriptions: [`${root}/${word(random)}`] }
}

function randomPublish(random: Random, root: string): Packet {
  const qos = randomInt(random, 3) as 0 | 1 | 2
  const size = random() < 0.1 ? randomInt(random, 20_000) : randomInt(random, 200)
  const isReading = random() < 0.5
  return {
    cmd: 'publish',
    topic: isReading ? `${root}/telemetry` : `${root}/${word(random)}`,
    payload: isReading
      ? `{"temperature":${randomInt(random, 100)}}`
      : Buffer.alloc(size, randomInt(random, 256)),
    qos,
    retain: random() < 0.1,
    dup: qos > 0 && random() < 0.1,
    messageId: 1 + randomInt(random, 65_535),
  }
}

function word(random: Random): string {
  return WORDS[randomInt(random, WORDS.length)] as string
}
