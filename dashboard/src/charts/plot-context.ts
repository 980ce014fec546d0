import { createContext, useContext } from 'react'
import type { Drawing } from './draw.ts'

export type Plotted = {
  drawing: Drawing
  /** Whether the right edge is now. */
  isLive: boolean
}

export const PlotContext = createContext<Plotted | null>(null)

export function usePlot(): Plotted {
  const plotted = useContext(PlotContext)
  if (plotted === null) throw new Error('lines need a plot around them')
  return plotted
}
