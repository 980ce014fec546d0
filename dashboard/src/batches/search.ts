import { type BatchStatus, batchStates } from './words.ts'

export type BatchSearch = { state?: BatchStatus }

/** The address is what another person pastes: a state nobody knows is dropped. */
export function readBatchSearch(search: Record<string, unknown>): BatchSearch {
  const known = batchStates.find(({ status }) => status === search.state)
  return known === undefined ? {} : { state: known.status }
}
