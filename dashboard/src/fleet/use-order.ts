import { useQuery } from '@tanstack/react-query'
import { useMemo, useRef, useState } from 'react'
import { fleetIndex } from './fleet-queries.ts'
import { type News, newsOf, type Place } from './order.ts'
import { type FleetSearch, searchWords } from './search.ts'

const noIds: readonly string[] = []

export type Order = {
  ids: readonly string[]
  /** Only the first fit into the list. */
  isTruncated: boolean
  isPending: boolean
  error: Error | null
  retry: () => void
  /** Who has come and gone since; shown by a press, for rows never move by themselves. */
  news: News | null
  showNews: () => void
  /** Which rows are on the screen: the list tells. */
  onScreen: { current: Place }
}

/** The rows of the list. They stay where they are until the filter changes or the person asks for the news. */
export function useOrder(filter: FleetSearch): Order {
  const { data, isPlaceholderData, isPending, error, refetch, dataUpdatedAt } = useQuery(fleetIndex(filter))
  const onScreen = useRef<Place>({ first: 0, last: 0 })
  const [openedAt] = useState(Date.now)
  const words = searchWords(filter)
  const [shown, setShown] = useState({ words, ids: noIds, isFresh: false })
  const newest = isPlaceholderData ? undefined : data?.ids
  const news = useMemo(
    () => (newest === undefined || newest === shown.ids ? null : newsOf(shown.ids, newest)),
    [newest, shown.ids],
  )
  // What was remembered from an earlier visit may be old: the first answer of this one is no news.
  const isFirst = shown.words !== words || !shown.isFresh
  const movesNothing =
    news !== null && (news.firstMoved > onScreen.current.last || news.added + news.gone === 0)
  if (newest !== undefined && newest !== shown.ids && (isFirst || movesNothing))
    setShown({ words, ids: newest, isFresh: dataUpdatedAt > openedAt })
  return {
    ...{ ids: shown.ids, isTruncated: data?.truncated === true, error, news, onScreen },
    isPending: isPending || (shown.ids === noIds && data === undefined),
    retry: () => void refetch(),
    showNews: () => newest !== undefined && setShown({ words, ids: newest, isFresh: true }),
  }
}
