import type { LiveEvent } from '@telltale/api/contract'
import { liveLimits } from './limits.ts'
import { type Line, type LineListener, type Loss, sameDevices } from './line.ts'
import type { Server, Stream } from './server.ts'

const eventTypes = [
  'hello',
  'reading',
  'presence',
  'command',
  'rejected',
  'totals',
  'resync',
  'ping',
] as const

/**
 * Events by one server-sent event stream. What it watches changes without opening another.
 * Reconnects are not left to EventSource: only when they are made here can the screen count down honestly.
 */
export class StreamLine implements Line {
  private readonly server: Server
  private readonly listener: LineListener
  private stream: Stream | null = null
  /** Given by `hello`; null before. */
  private name: string | null = null
  private wanted: readonly string[] = []
  private changing = false
  private silenceMaxMs: number = liveLimits.silenceMaxMs
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(server: Server, listener: LineListener) {
    this.server = server
    this.listener = listener
  }

  open(devices: readonly string[], after: string): void {
    this.wanted = devices
    const query = new URLSearchParams({ devices: devices.join(',') })
    if (after !== '') query.set('lastEventId', after)
    const stream = this.server.openStream(`/api/v1/events?${query}`)
    this.stream = stream
    for (const type of eventTypes) {
      stream.addEventListener(type, (message) => {
        if (stream === this.stream) this.receive(type, message as MessageEvent<string>, devices)
      })
    }
    stream.addEventListener('error', () => this.lose({ kind: this.name === null ? 'mute' : 'broken' }))
    this.timer = setTimeout(() => this.lose({ kind: 'mute' }), liveLimits.helloMaxMs)
  }

  change(devices: readonly string[]): void {
    const isSame = sameDevices(devices, this.wanted)
    this.wanted = devices
    if (!isSame && this.name !== null && !this.changing) void this.ask(this.name)
  }

  close(): void {
    clearTimeout(this.timer)
    this.stream?.close()
    this.stream = null
  }

  private receive(
    type: LiveEvent['type'],
    { data, lastEventId }: MessageEvent<string>,
    opened: readonly string[],
  ): void {
    const event = { type, data: JSON.parse(data) } as LiveEvent
    clearTimeout(this.timer)
    if (type === 'totals') this.silenceMaxMs = liveLimits.totalsSilenceMaxMs
    this.timer = setTimeout(() => this.lose({ kind: 'broken' }), this.silenceMaxMs)
    this.listener.onEvent({ id: lastEventId, event })
    if (event.type !== 'hello' || this.stream === null) return
    this.name = event.data.stream
    this.listener.onConfirmed(opened)
    if (!sameDevices(opened, this.wanted)) void this.ask(this.name)
  }

  /** One request at a time: two could arrive in the other order. */
  private async ask(name: string): Promise<void> {
    this.changing = true
    const asked = this.wanted
    const outcome = await this.server.changeStream(name, asked)
    this.changing = false
    if (this.stream === null) return
    if (outcome === 'failed') return this.lose({ kind: 'moved' })
    if (outcome === 'unknown-device') return this.lose({ kind: 'unknown-device' })
    this.listener.onConfirmed(asked)
    if (!sameDevices(asked, this.wanted)) await this.ask(name)
  }

  private lose(loss: Loss): void {
    if (this.stream === null) return
    this.close()
    this.listener.onLost(loss)
  }
}
