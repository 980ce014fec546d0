import { defaultRangeExtractor, useWindowVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useMediaQuery } from '../ui/use-media-query.ts'

const rowHeightPx = 46
const phoneRowHeightPx = 82
const overscanRows = 8
/** What lies over the list at the top and the bottom of the window. */
const coveredTopPx = 84
const coveredBottomPx = 84

export type VirtualRows = {
  box: RefObject<HTMLUListElement | null>
  rows: { index: number; topPx: number }[]
  heightPx: number
  scrollTo: (index: number) => void
}

/** The rows near the window, and the one the keyboard is at wherever that is: focus must not vanish. */
export function useVirtualRows(count: number, kept: number): VirtualRows {
  const box = useRef<HTMLUListElement>(null)
  const phone = useMediaQuery('(max-width: 767px)')
  const offsetPx = useOffset(box)
  const virtualizer = useWindowVirtualizer({
    count,
    estimateSize: () => (phone ? phoneRowHeightPx : rowHeightPx),
    overscan: overscanRows,
    scrollMargin: offsetPx,
    scrollPaddingStart: coveredTopPx,
    scrollPaddingEnd: coveredBottomPx,
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range)
      return kept < 0 || kept >= count || indexes.includes(kept) ? indexes : [...indexes, kept]
    },
  })
  useEffect(() => {
    virtualizer.options.estimateSize = () => (phone ? phoneRowHeightPx : rowHeightPx)
    virtualizer.measure()
  }, [phone, virtualizer])
  return {
    box,
    rows: virtualizer.getVirtualItems().map(({ index, start }) => ({ index, topPx: start - offsetPx })),
    heightPx: virtualizer.getTotalSize(),
    scrollTo: (index) => virtualizer.scrollToIndex(index, { align: 'auto' }),
  }
}

/** How far down the page the list begins: measured when something above it changes its height, not while scrolling. */
function useOffset(box: RefObject<HTMLElement | null>): number {
  const [offsetPx, setOffset] = useState(0)
  useLayoutEffect(() => {
    const measure = () => {
      const top = box.current?.getBoundingClientRect().top
      if (top !== undefined) setOffset(Math.round(top + window.scrollY))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [box])
  return offsetPx
}
