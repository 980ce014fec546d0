import { liveLimits } from './limits.ts'
import { type Line, type LineListener, sameDevices } from './line.ts'
import type { PollOutcome, Server } from './server.ts'

/** The same events by long polling, for networks that hold streams back. */
export class PollLine implements Line {
  private readonly server: Server
  private readonly listener: LineListener
  private wanted: readonly string[] = []
  private confirmed: readonly string[] | null = null
  private cursor = ''
  private isOpen = false
  private request = new AbortController()

  constructor(server: Server, listener: LineListener) {
    this.server = server
    this.listener = listener
  }

  open(devices: readonly string[], after: string): void {
    this.wanted = devices
    this.cursor = after
    this.isOpen = true
    void this.run()
  }

  /** The request on its way has the old list; what it would have brought comes with the next one. */
  change(devices: readonly string[]): void {
    if (sameDevices(devices, this.wanted)) return
    this.wanted = devices
    this.request.abort()
  }

  close(): void {
    this.isOpen = false
    this.request.abort()
  }

  private async run(): Promise<void> {
    while (this.isOpen) {
      const asked = this.wanted
      const startedAt = Date.now()
      const outcome = await this.ask(asked)
      if (!this.isOpen) return
      // Also an answer that was on its way already: the cursor was not moved, so the next one repeats it.
      if (asked === this.wanted && !this.take(outcome, asked)) return
      // No timer where none is needed: the ones of a hidden tab may take a minute.
      const leftMs = startedAt + liveLimits.pollPaceMs - Date.now()
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs))
    }
  }

  /** Without waiting at first and after a change: the answer says that the devices are watched. */
  private async ask(devices: readonly string[]): Promise<PollOutcome> {
    const isNew = this.confirmed === null || !sameDevices(devices, this.confirmed)
    this.request = new AbortController()
    const waitS = isNew ? 0 : liveLimits.pollWaitS
    const answerMaxMs = waitS * 1_000 + liveLimits.pollAnswerMaxMs
    const timeout = setTimeout(() => this.request.abort(), answerMaxMs)
    const query = { devices, cursor: this.cursor, waitS }
    const outcome = await this.server.poll(query, this.request.signal)
    clearTimeout(timeout)
    return outcome
  }

  /** False when the line is lost. */
  private take(outcome: PollOutcome, asked: readonly string[]): boolean {
    if (outcome.kind !== 'answer') {
      this.isOpen = false
      this.listener.onLost(outcome)
      return false
    }
    this.cursor = outcome.cursor
    for (const numbered of outcome.events) this.listener.onEvent(numbered)
    this.listener.onAnswer(outcome.cursor, outcome.serverTime)
    this.confirmed = asked
    this.listener.onConfirmed(asked)
    return true
  }
}
