import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query'
import type { Board, Device, DevicePage } from '@telltale/api/contract'
import { useEffect, useState } from 'react'
import { get } from '../api.ts'

const typingPauseMs = 120
const foundMax = 8
const boardsMax = 100

const search = (typed: string) =>
  queryOptions({
    queryKey: ['devices', 'palette', typed],
    queryFn: ({ signal }) =>
      get<DevicePage>('/devices', { ...asQuery(typed), limit: foundMax }, signal).then(({ items }) => items),
    enabled: typed !== '',
  })

function asQuery(typed: string): { q?: string; tag?: string } {
  const [, tag] = /^tag:([^\s,:]{1,64})$/.exec(typed) ?? []
  return tag === undefined ? { q: typed } : { tag }
}

export type Found = {
  devices: Device[]
  /** What is shown was found for something else, or nothing was yet. */
  isPending: boolean
  error: Error | null
  retry: () => void
}

export function useFoundDevices(typed: string): Found {
  const settled = useSettled(typed)
  const answer = useQuery({ ...search(settled), placeholderData: keepPreviousData })
  const isTyping = settled !== typed
  return {
    devices: settled === '' || typed === '' ? [] : (answer.data ?? []),
    isPending: typed !== '' && (isTyping || answer.isPlaceholderData || answer.isPending) && !answer.isError,
    error: isTyping ? null : answer.error,
    retry: () => void answer.refetch(),
  }
}

function useSettled(typed: string): string {
  const [settled, setSettled] = useState(typed)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), typingPauseMs)
    return () => clearTimeout(timer)
  }, [typed])
  return settled
}

/** Few in every installation: read once, filtered here. */
const boards = queryOptions({
  queryKey: ['boards', 'palette'],
  queryFn: ({ signal }) =>
    get<{ items: Pick<Board, 'id' | 'name'>[] }>('/boards', { limit: boardsMax }, signal),
  staleTime: 30_000,
  retry: false,
})

export function useBoardNames(): Pick<Board, 'id' | 'name'>[] {
  return useQuery(boards).data?.items ?? []
}
