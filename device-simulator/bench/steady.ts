/**
 * Devices that send at a fixed rate whatever the answers do, as a process of their own: what they wait for a PUBACK
 * tells whether others disturb them. The plan comes as JSON, phases begin and end when asked.
 */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generate } from 'mqtt-packet'
import { answerWith } from './asking.ts'
import { signIn } from './connection.ts'
import { type Credential, percentiles } from './generator.ts'
import { PubackScanner } from './puback-scanner.ts'
import { METRICS_PER_MESSAGE, PublishTemplate } from './publish-template.ts'

export interface SteadyPlan {
  port: number
  /** JSON file of credentials. */
  credentials: string
  /** Of all devices together. */
  messagesPerSecond: number
  startTsMs: number
}

export interface SteadyPhase {
  messages: number
  latencyP50Ms: number
  latencyP99Ms: number
  latencyMaxMs: number
}

export interface SteadyTotal {
  readings: number
  outOfOrder: number
  /** Never acknowledged. */
  missing: number
}

const PACKET_ID_MAX = 65_535
const TICK_MS = 2
const DRAIN_DEADLINE_MS = 20_000

class SteadyDevice {
  acked = 0
  outOfOrder = 0
  private readonly socket: Socket
  private readonly template: PublishTemplate
  private readonly scanner = new PubackScanner()
  /** When what is in flight was sent, oldest first. */
  private readonly sentAtMs: number[] = []
  private sent = 0

  constructor(socket: Socket, template: PublishTemplate, onLatency: (latencyMs: number) => void) {
    this.socket = socket
    this.template = template
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const nowMs = performance.now()
      this.scanner.scan(chunk, (packetId) => {
        if (packetId !== packetIdOf(this.acked)) this.outOfOrder++
        this.acked++
        onLatency(nowMs - (this.sentAtMs.shift() as number))
      })
    })
  }

  get inFlight(): number {
    return this.sent - this.acked
  }

  send(): void {
    this.template.stamp(packetIdOf(this.sent++))
    this.sentAtMs.push(performance.now())
    // The socket may keep what it is given, and the next message is stamped into the same bytes.
    this.socket.write(Buffer.from(this.template.bytes))
  }

  end(): void {
    this.socket.end(generate({ cmd: 'disconnect' }))
  }
}

function packetIdOf(sequence: number): number {
  return (sequence % PACKET_ID_MAX) + 1
}

async function main(): Promise<void> {
  process.once('disconnect', () => process.exit(1))
  const plan = JSON.parse(process.argv[2] ?? '') as SteadyPlan
  const credentials = JSON.parse(await readFile(plan.credentials, 'utf8')) as Credential[]
  let latenciesMs: number[] = []
  const onLatency = (latencyMs: number) => latenciesMs.push(latencyMs)
  const devices: SteadyDevice[] = []
  for (const { id, secret } of credentials) {
    const socket = await signIn({ host: '127.0.0.1', port: plan.port, deviceId: id, secret })
    devices.push(new SteadyDevice(socket, new PublishTemplate(id, plan.startTsMs), onLatency))
  }
  const stop = sendEvenly(devices, plan.messagesPerSecond)
  answerWith({
    ready: () => true,
    begin: () => {
      latenciesMs = []
    },
    end: (): SteadyPhase => {
      const longest = latenciesMs.reduce((most, latencyMs) => Math.max(most, latencyMs), 0)
      return { messages: latenciesMs.length, ...percentiles(latenciesMs), latencyMaxMs: longest }
    },
    finish: async (): Promise<SteadyTotal> => {
      stop()
      await drain(devices)
      for (const device of devices) device.end()
      const total = (of: 'acked' | 'outOfOrder' | 'inFlight') =>
        devices.reduce((sum, device) => sum + device[of], 0)
      const readings = total('acked') * METRICS_PER_MESSAGE
      return { readings, outOfOrder: total('outOfOrder'), missing: total('inFlight') }
    },
  })
}

/** Device after device: as many messages as the time that passed is worth, also after a tick that came late. */
function sendEvenly(devices: readonly SteadyDevice[], messagesPerSecond: number): () => void {
  const startMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1_000) * messagesPerSecond)
    for (; sent < due; sent++) devices[sent % devices.length]?.send()
  }, TICK_MS)
  return () => clearInterval(timer)
}

async function drain(devices: readonly SteadyDevice[]): Promise<void> {
  const endMs = performance.now() + DRAIN_DEADLINE_MS
  while (devices.some(({ inFlight }) => inFlight > 0) && performance.now() < endMs) await sleep(TICK_MS)
}

main().catch((error: unknown) => {
  console.error(`steady: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
})
