/**
 * Answers leave in the order the questions came ([MQTT-4.6.0-2]: PUBACKs in the order of the PUBLISHes).
 * aedes dispatches a whole socket chunk at once and batches commit side by side, so completions arrive in any order.
 */
export class InOrder<Outcome> {
  readonly #waiting: { outcome: Outcome | undefined; release: (outcome: Outcome) => void }[] = []

  /** Whether somebody waits for an answer. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes the next place; call the result when the work is done. `release` runs when all before it are done too. */
  enter(release: (outcome: Outcome) => void): (outcome: Outcome) => void {
    const place: { outcome: Outcome | undefined; release: (outcome: Outcome) => void } = {
      outcome: undefined,
      release,
    }
    this.#waiting.push(place)
    return (outcome) => {
      place.outcome = outcome
      if (this.#waiting[0] === place) this.#releaseDone()
    }
  }

  #releaseDone(): void {
    let count = 0
    while (this.#waiting[count]?.outcome !== undefined) count++
    // Taken out first: a release may re-enter.
    for (const { outcome, release } of this.#waiting.splice(0, count)) release(outcome as Outcome)
  }
}
