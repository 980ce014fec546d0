import { useLocation, useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import {
  fixedRange,
  type RangeSearch,
  readRangeSearch,
  type TimeRange,
  toRangeSearch,
  toTimeRange,
} from './time-range.ts'

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** How many zooms deep this entry of the browser's history is. */
    zooms?: number
  }
}

/** The range in the address of whatever page this is on. */
export function useRange(usualNow: TimeRange) {
  const search = useSearch({ strict: false }) as Record<string, unknown>
  const { range: named, from, to } = readRangeSearch(search)
  // What is usual may depend on the hour; it must not change under the eyes.
  const [usual] = useState(usualNow)
  const range = useMemo(
    () =>
      toTimeRange(
        { ...(named && { range: named }), ...(from !== undefined && to !== undefined && { from, to }) },
        usual,
      ),
    [named, from, to, usual],
  )
  const zooms = useLocation({ select: ({ state }) => state.zooms ?? 0 })
  const navigate = useNavigate()
  const { history } = useRouter()
  return useMemo(() => {
    const go = (chosen: TimeRange, how: { replace: boolean; zooms: number }) =>
      void navigate({
        to: '.',
        // Each page with charts has these in its search; which page this is, is not known here.
        search: ((old: Record<string, unknown>) => ({ ...without(old), ...toRangeSearch(chosen) })) as never,
        state: (old) => ({ ...old, zooms: how.zooms }),
        replace: how.replace,
        resetScroll: false,
      })
    return {
      range,
      // A live window has nothing to go back to.
      setRange: (chosen: TimeRange) =>
        go(chosen, { replace: true, zooms: chosen.kind === 'live' ? 0 : zooms }),
      zoom: (from: number, to: number) => go(fixedRange(from, to), { replace: false, zooms: zooms + 1 }),
      canGoBack: zooms > 0,
      back: () => history.back(),
    }
  }, [range, zooms, navigate, history])
}

function without(search: Record<string, unknown> & RangeSearch): Record<string, unknown> {
  const { range, from, to, ...others } = search
  void [range, from, to]
  return others
}
