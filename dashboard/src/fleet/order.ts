export type Place = { first: number; last: number }

export type News = {
  added: number
  gone: number
  /** The first row that is not where it was. */
  firstMoved: number
}

/** What has changed between two lists in order of id. */
export function newsOf(before: readonly string[], after: readonly string[]): News {
  let same = 0
  while (same < before.length && same < after.length && before[same] === after[same]) same += 1
  const old = new Set(before)
  const kept = after.reduce((count, id) => count + (old.has(id) ? 1 : 0), 0)
  return { added: after.length - kept, gone: before.length - kept, firstMoved: same }
}

export function newsWords({ added, gone }: News): string {
  const words = [
    added > 0 && `${added} more ${added === 1 ? 'matches' : 'match'}`,
    gone > 0 && `${gone} no longer`,
  ]
  return words.filter(Boolean).join(', ')
}

/** Rows are read in fixed blocks: scrolling by one row is not a new question. */
export const blockRows = 25

export function blocksOf(ids: readonly string[], { first, last }: Place): (readonly string[])[] {
  const blocks: (readonly string[])[] = []
  for (let start = first - (first % blockRows); start <= last && start < ids.length; start += blockRows)
    blocks.push(ids.slice(start, start + blockRows))
  return blocks
}
