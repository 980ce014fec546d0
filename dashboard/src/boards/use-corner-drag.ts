import type { Panel } from '@telltale/api/contract'
import type { PointerEvent, RefObject } from 'react'
import { useRef } from 'react'
import { heighten, widthAt } from './layout.ts'
import { panelHeights } from './panels.ts'

type CornerDrag = {
  panel: Panel
  grid: RefObject<HTMLDivElement | null>
  onResize: (panel: Panel) => void
}

/** So far down or up for the next height. */
const heightStepPx = 110

/** Pulls a panel's corner: columns follow the pointer, heights go in steps. */
export function useCornerDrag({ panel, grid, onResize }: CornerDrag) {
  const start = useRef<{ left: number; y: number; height: number } | null>(null)
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      const slot = event.currentTarget.parentElement
      if (slot === null || event.button !== 0) return
      event.currentTarget.setPointerCapture(event.pointerId)
      const height = panelHeights.indexOf(panel.height)
      start.current = { left: slot.getBoundingClientRect().left, y: event.clientY, height }
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (start.current === null || grid.current === null) return
      const gap = Number.parseFloat(getComputedStyle(grid.current).columnGap) || 0
      const width = widthAt(event.clientX - start.current.left, grid.current.clientWidth, gap)
      const wanted = start.current.height + Math.round((event.clientY - start.current.y) / heightStepPx)
      const sized = heighten({ ...panel, width }, wanted - panelHeights.indexOf(panel.height))
      if (sized.width !== panel.width || sized.height !== panel.height) onResize(sized)
    },
    onPointerUp: () => {
      start.current = null
    },
    onPointerCancel: () => {
      start.current = null
    },
  }
}
