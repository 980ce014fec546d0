import type { LiveEvent } from '../contract/index.ts'
import type { DeviceSelection } from '../devices/ids.ts'

/** What goes through the ring: everything but the frames that belong to one stream (hello, ping). */
export type HubEvent = Exclude<LiveEvent, { type: 'hello' } | { type: 'ping' } | { type: 'totals' }>
export type ReadingEvent = Extract<LiveEvent, { type: 'reading' }>

/** One event with its number; JSON is made once, its SSE frame once and only when somebody streams. */
export class Entry {
  readonly seq: number
  readonly id: string
  readonly event: LiveEvent
  readonly json: string
  /** How many readers' queues it waits in (room.ts). */
  holders = 0
  #frame: Buffer | undefined

  constructor(event: LiveEvent, at: { seq: number; id: string }) {
    this.seq = at.seq
    this.id = at.id
    this.event = event
    this.json = JSON.stringify(event.data)
  }

  /** All readers share these bytes. JSON has no raw line breaks, so one data line is enough. */
  get frame(): Buffer {
    this.#frame ??= Buffer.from(`id: ${this.id}\nevent: ${this.event.type}\ndata: ${this.json}\n\n`)
    return this.#frame
  }
}

/** The device an event is about; undefined: every reader gets it. */
export function deviceOf(event: LiveEvent): string | undefined {
  return 'deviceId' in event.data ? event.data.deviceId : undefined
}

/** What a fleet stream (`*`) carries: everything but readings. */
export function isFleetEvent(event: LiveEvent): boolean {
  return event.type !== 'reading'
}

/** Whether a stream of `selection` carries it. A `ping` in the ring is a mark, for nobody. */
export function concerns({ all, ids }: DeviceSelection, event: LiveEvent): boolean {
  if (event.type === 'ping') return false
  const deviceId = deviceOf(event)
  return deviceId === undefined || (all && isFleetEvent(event)) || ids.includes(deviceId)
}
