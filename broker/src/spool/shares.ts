/** How much of what they share each one has taken, so that one that talks without end leaves room for the others. */
export class Shares {
  readonly #bytesMax: number
  readonly #taken = new Map<string, number>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** @returns whether there is so much left of its share; else nothing is taken */
  take(name: string, bytes: number): boolean {
    const taken = (this.#taken.get(name) ?? 0) + bytes
    if (taken > this.#bytesMax) return false
    this.#taken.set(name, taken)
    return true
  }

  /** Everything was given back. */
  clear(): void {
    this.#taken.clear()
  }
}
