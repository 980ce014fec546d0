/** One moment that all charts of a page point at; null when nobody points. */
export class Crosshair {
  private t: number | null = null
  private readonly listeners = new Set<() => void>()

  readonly get = (): number | null => this.t

  readonly set = (t: number | null): void => {
    if (t === this.t) return
    this.t = t
    for (const listener of this.listeners) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }
}
