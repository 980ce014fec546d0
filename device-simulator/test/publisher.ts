import { setTimeout as sleep } from 'node:timers/promises'
import { topics } from '@telltale/broker/contract'
import { connect } from 'mqtt'

/** A device that never stops: about 20 messages a second, now and then a backlog, each time of its own once. */
export interface Publisher {
  /** Readings whose PUBACK has come: `metric time`. */
  acknowledged: Set<string>
  /** Resolves when everything sent is acknowledged, and the connection closed. */
  finish: () => Promise<void>
  /** At once, whatever is on its way. */
  stop: () => Promise<void>
}

const EVERY_MS = 50
/** Every so many messages come with a backlog from before `firstMs`. */
const BACKLOG_EVERY = 10
const BACKLOG_READINGS = 5

interface Device {
  username: string
  password: string
  /** By how much its clock is ahead. */
  aheadMs?: number
}

export function startPublisher(
  url: string,
  { aheadMs = 0, ...credentials }: Device,
  backlogMs: number,
): Publisher {
  const client = connect(url, { ...credentials, reconnectPeriod: 200, connectTimeout: 3_000 })
  client.on('error', () => {})
  const acknowledged = new Set<string>()
  const sent: Promise<void>[] = []
  let isOver = false
  let n = 0
  const reading = (ts: number) => {
    n++
    const values = { temperature: n / 8, humidity: n % 100, on: n % 3 === 0, door: `word ${n}` }
    return { ts, values }
  }
  const send = (readings: ReturnType<typeof reading>[]) => {
    const text = JSON.stringify(readings)
    // Sent again by the client library until it is acknowledged.
    const done = client.publishAsync(topics.telemetry(credentials.username), text, { qos: 1 }).then(() => {
      for (const { ts, values } of readings)
        for (const metric of Object.keys(values)) acknowledged.add(`${metric} ${ts}`)
    })
    // Whoever waits for all of them hears of it.
    done.catch(() => {})
    sent.push(done)
  }
  const flow = async () => {
    let oldMs = backlogMs
    let newMs = 0
    for (let messages = 1; !isOver; messages++) {
      newMs = Math.max(newMs + 1, Date.now() + aheadMs)
      send([reading(newMs)])
      if (messages % BACKLOG_EVERY === 0)
        send(Array.from({ length: BACKLOG_READINGS }, () => reading(oldMs++)))
      await sleep(EVERY_MS)
    }
  }
  const flowing = flow()
  const stop = async () => {
    isOver = true
    await flowing
    await client.endAsync(true)
  }
  return {
    acknowledged,
    stop,
    finish: async () => {
      isOver = true
      await flowing
      await Promise.all(sent)
      await stop()
    },
  }
}
