import { liveLimits } from './limits.ts'

/** Where a word of a leader stands in what this tab has heard: `gap` when words before it are missing. */
export type Place = 'next' | 'gap' | 'new' | 'old'

type Word = { term: number; seq: number }

/** The one sequence of events all tabs of a browser see, whichever of them leads. */
export class Thread {
  private term = 0
  private seq = 0
  private lastId = ''
  private recent: string[] = []
  private repeated = new Set<string>()

  /** The newest event this tab has seen: from here it goes on when it leads. */
  get after(): string {
    return this.lastId
  }

  /** This tab leads from now on. */
  begin(now: number): void {
    this.term = Math.max(this.term + 1, now)
    this.seq = 0
    this.repeated.clear()
  }

  number(): Word {
    this.seq += 1
    return { term: this.term, seq: this.seq }
  }

  place({ term, seq }: Word): Place {
    if (term < this.term) return 'old'
    if (term > this.term) return 'new'
    return seq === this.seq + 1 ? 'next' : 'gap'
  }

  /**
   * Takes over where the leader says it is; true when events between are missing here.
   * A new leader may begin before what this tab has seen already: that comes again, and is skipped.
   */
  adopt({ term, seq, after }: Word & { after: string }, place: Place): boolean {
    const known = this.lastId
    const at = this.recent.lastIndexOf(after)
    this.term = term
    this.seq = seq
    if (place === 'new') this.repeated = new Set(at < 0 ? [] : this.recent.slice(at + 1))
    const isBehind = place === 'new' && known !== '' && at < 0
    if (isBehind || place === 'gap' || known === '') this.note(after)
    return isBehind || place === 'gap'
  }

  /** Counts a word that carries an event; true when this tab has seen that event. */
  next(seq: number, id: string): boolean {
    this.seq = seq
    if (this.repeated.delete(id)) return true
    this.note(id)
    return false
  }

  note(id: string): void {
    if (id === '' || id === this.lastId) return
    this.lastId = id
    this.recent.push(id)
    if (this.recent.length > 2 * liveLimits.recentIdsMax)
      this.recent = this.recent.slice(-liveLimits.recentIdsMax)
  }
}
