import { randomBytes } from 'node:crypto'

/**
 * Numbers events. Ids are `<epoch>-<number>`: the epoch is new with every process, so an id of another life is
 * recognised instead of pointing somewhere.
 */
export class Numbering {
  readonly #epoch = randomBytes(5).toString('hex')
  #newest = 0

  get newest(): number {
    return this.#newest
  }

  next(): number {
    return ++this.#newest
  }

  id(seq: number): string {
    return `${this.#epoch}-${seq}`
  }

  /** Undefined: an id of another life, of the future, or nonsense. */
  parse(id: string): number | undefined {
    const [, epoch, digits] = /^([0-9a-f]+)-(\d{1,15})$/.exec(id) ?? []
    const seq = Number(digits)
    return epoch === this.#epoch && seq <= this.#newest ? seq : undefined
  }
}
