/** A boolean as people say it, here as on its tile. */
export function stateWords(state: string): string {
  if (state === 'true') return 'yes'
  return state === 'false' ? 'no' : state
}
