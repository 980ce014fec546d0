import { ProblemError } from '../problems.ts'
import type { Principal } from '../session/authenticate.ts'
import type { Reader } from './reader.ts'

export interface OpenStream {
  reader: Reader
  principal: Principal
  /** Changes asked for so far, and the newest that was made: an older one comes too late. */
  asked: number
  made: number
}

/** The streams that are open here, by the id that `hello` told. */
export class OpenStreams {
  readonly #streams = new Map<string, OpenStream>()

  /** Until the returned function is called. */
  add(reader: Reader, principal: Principal): () => void {
    this.#streams.set(reader.id, { reader, principal, asked: 0, made: 0 })
    return () => this.#streams.delete(reader.id)
  }

  /**
   * Whoever did not open it learns nothing of it: the same answer as for one that is not here.
   * @throws ProblemError stream_not_found
   */
  find(id: string, principal: Principal): OpenStream {
    const stream = this.#streams.get(id)
    if (!stream?.principal.hash.equals(principal.hash)) throw new ProblemError('stream_not_found')
    return stream
  }
}
