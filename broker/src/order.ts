/**
 * Answers leave in the order the questions came ([MQTT-4.6.0-2]: PUBACKs in the order of the PUBLISHes).
 * aedes dispatches a whole socket chunk at once and batches commit side by side, so completions arrive in any order.
 */
export class InOrder {
  readonly #waiting: { isDone: boolean; release: () => void }[] = []

  /** Whether somebody waits for an answer. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes the next place; call the result when the work is done. `release` runs when all before it are done too. */
  enter(release: () => void): () => void {
    const place = { isDone: false, release }
    this.#waiting.push(place)
    return () => {
      place.isDone = true
      if (this.#waiting[0] === place) this.#releaseDone()
    }
  }

  #releaseDone(): void {
    let count = 0
    while (this.#waiting[count]?.isDone) count++
    // Taken out first: a release may re-enter.
    for (const place of this.#waiting.splice(0, count)) place.release()
  }
}
