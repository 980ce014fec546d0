/** Does work under a key one piece after the other, in the order it was given; under different keys side by side. */
export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>()

  /** @throws what `work` throws; those behind it have their turn all the same */
  async do<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const mine = (async () => {
      await before?.catch(() => {})
      return work()
    })()
    this.#last.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
  }
}
