type Draw = () => void

/** Of the 16 ms of a frame; the rest is for the browser to paint what was drawn. */
const budgetMs = 6

/**
 * Charts that draw anew take turns: as many in a frame as the budget allows, the others in the next ones.
 * However many there are, no frame waits for all of them.
 */
export class Turns {
  private readonly waiting = new Set<Draw>()
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  /** Asking again while waiting keeps the place in the queue: what is drawn then is the newest. */
  ask(draw: Draw): void {
    this.waiting.add(draw)
  }

  drop(draw: Draw): void {
    this.waiting.delete(draw)
  }

  /** Once in each frame; at least one gets its turn, however slow the one before was. */
  run(): void {
    const startedAt = this.now()
    for (const draw of this.waiting) {
      this.waiting.delete(draw)
      draw()
      if (this.now() - startedAt >= budgetMs) return
    }
  }
}
