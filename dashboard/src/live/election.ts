import type { Surroundings } from './surroundings.ts'

export type ElectionOptions = {
  locks: NonNullable<Surroundings['locks']>
  name: string
  onLead: () => void
  /** Another tab took the lead by force. */
  onDeposed: () => void
}

/** One tab at a time leads: the one that holds the lock. The browser gives it to the next when a tab is gone. */
export class Election {
  private readonly options: ElectionOptions
  private queued = new AbortController()
  private release: (() => void) | null = null
  private isOver = false

  constructor(options: ElectionOptions) {
    this.options = options
  }

  /** Waits for its turn. */
  stand(): void {
    this.queued = new AbortController()
    this.request({ signal: this.queued.signal })
  }

  /** From a leader that does not answer: a frozen page keeps its locks. */
  steal(): void {
    if (this.release !== null) return
    this.queued.abort()
    this.request({ steal: true })
  }

  stop(): void {
    this.isOver = true
    this.queued.abort()
    this.release?.()
    this.release = null
  }

  private request(how: LockOptions): void {
    const { locks, name, onLead } = this.options
    let held: (() => void) | null = null
    const hold = () => {
      if (this.isOver) return Promise.resolve()
      return new Promise<void>((resolve) => {
        held = resolve
        this.release = resolve
        onLead()
      })
    }
    // Stolen, or withdrawn by ourselves: then it never held the lock.
    locks.request(name, how, hold).catch(() => held !== null && held === this.release && this.lose())
  }

  private lose(): void {
    this.release = null
    if (this.isOver) return
    this.options.onDeposed()
    this.stand()
  }
}
