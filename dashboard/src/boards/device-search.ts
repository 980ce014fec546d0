import { queryOptions } from '@tanstack/react-query'
import type { DevicePage } from '@telltale/api/contract'
import { get } from '../api.ts'

/** More is for typing another letter. */
const foundMax = 24

/** The devices of a tag, as far as a board shows them. */
export const devicesTagged = (tag: string | undefined, limit: number) =>
  queryOptions({
    queryKey: ['devices', 'tagged', tag, limit],
    queryFn: ({ signal }) => get<DevicePage>('/devices', { tag, limit }, signal),
    enabled: tag !== undefined,
    refetchInterval: 30_000,
  })

/** A word finds names and ids, `tag:` or a tag by itself finds what has it. */
export const devicesMatching = (typed: string) => {
  const words = typed.trim()
  const tag = /^tag:(\S+)$/.exec(words)?.[1]
  const query = tag !== undefined ? { tag } : words === '' ? {} : { q: words.slice(0, 200) }
  return queryOptions({
    queryKey: ['devices', 'found', query],
    queryFn: ({ signal }) => get<DevicePage>('/devices', { ...query, limit: foundMax }, signal),
    staleTime: 10_000,
  })
}
