/**
 * Many devices that connect and do nothing else, as a process of its own. The plan comes as JSON; they connect, come
 * back after a cut, and leave when asked.
 */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '@telltale/infra/testing/random'
import { generate } from 'mqtt-packet'
import { answerWith } from './asking.ts'
import { signIn } from './connection.ts'
import { type Credential, percentiles } from './generator.ts'

export interface StormPlan {
  port: number
  /** JSON file of credentials. */
  credentials: string
  connectsAtOnce: number
  /** Of this side, from 127.1.0.1 on. */
  addresses: number
}

export interface StormResult {
  /** Until the last one had its CONNACK. */
  seconds: number
  connected: number
  /** Attempts that ended in anything but CONNACK 0. */
  refused: number
  /** What one of them said. */
  refusal: string | undefined
  latencyP50Ms: number
  latencyP99Ms: number
  /** Connections that closed by themselves before. */
  lost: number
}

const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 1_500
/** Who is not back by then counts as not connected. */
const RETURN_DEADLINE_MS = 120_000
const SEED = 5

class Storm {
  private readonly plan: StormPlan
  private readonly credentials: readonly Credential[]
  private readonly sockets = new Map<string, Socket>()
  private readonly next = random(SEED)
  private latenciesMs: number[] = []
  private refused = 0
  private refusal: string | undefined
  private lost = 0

  constructor(plan: StormPlan, credentials: readonly Credential[]) {
    this.plan = plan
    this.credentials = credentials
  }

  /** Each once, some at a time. */
  connect(): Promise<StormResult> {
    return this.measure(async () => {
      let next = 0
      const work = async () => {
        for (let place = next++; place < this.credentials.length; place = next++) await this.connectOne(place)
      }
      await Promise.all(Array.from({ length: this.plan.connectsAtOnce }, work))
    })
  }

  /** All are cut at the same moment, without DISCONNECT, and come back at once; who is refused tries again. */
  comeBack(): Promise<StormResult> {
    for (const socket of this.sockets.values()) {
      socket.removeAllListeners('close')
      socket.resetAndDestroy()
    }
    this.sockets.clear()
    return this.measure(async () => {
      const endMs = performance.now() + RETURN_DEADLINE_MS
      const come = async (_: Credential, place: number) => {
        while (!(await this.connectOne(place)) && performance.now() < endMs)
          await sleep(RETRY_MS_MIN + this.next() * (RETRY_MS_MAX - RETRY_MS_MIN))
      }
      await Promise.all(this.credentials.map(come))
    })
  }

  leave(): void {
    for (const socket of this.sockets.values()) {
      socket.removeAllListeners('close')
      socket.end(generate({ cmd: 'disconnect' }))
    }
  }

  private async measure(work: () => Promise<void>): Promise<StormResult> {
    this.latenciesMs = []
    this.refused = 0
    this.refusal = undefined
    const { lost } = this
    const startMs = performance.now()
    await work()
    return {
      seconds: (performance.now() - startMs) / 1_000,
      connected: this.sockets.size,
      refused: this.refused,
      refusal: this.refusal,
      ...percentiles(this.latenciesMs),
      lost,
    }
  }

  private async connectOne(place: number): Promise<boolean> {
    const { id, secret } = this.credentials[place] as Credential
    const localAddress = `127.1.0.${(place % this.plan.addresses) + 1}`
    const startMs = performance.now()
    try {
      const { port } = this.plan
      const socket = await signIn({ host: '127.0.0.1', port, deviceId: id, secret, localAddress })
      this.latenciesMs.push(performance.now() - startMs)
      this.sockets.set(id, socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.lost++
        this.sockets.delete(id)
      })
      return true
    } catch (error) {
      this.refused++
      this.refusal = (error as Error).message
      return false
    }
  }
}

async function main(): Promise<void> {
  process.once('disconnect', () => process.exit(1))
  const plan = JSON.parse(process.argv[2] ?? '') as StormPlan
  const storm = new Storm(plan, JSON.parse(await readFile(plan.credentials, 'utf8')) as Credential[])
  answerWith({
    connect: () => storm.connect(),
    comeBack: () => storm.comeBack(),
    leave: () => storm.leave(),
  })
}

main().catch((error: unknown) => {
  console.error(`storm: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
})
