import type { DeviceType, Panel } from '@telltale/api/contract'
import { ChartLine, CircleDot, Gauge, type LucideIcon, MapPin, Send, SquareActivity } from 'lucide-react'
import { metricLook } from '../types/look.ts'

export type PanelKind = Panel['kind']
export type PanelHeight = Panel['height']
export type PanelOf<K extends PanelKind> = Extract<Panel, { kind: K }>

type KindWords = { label: string; note: string; Icon: LucideIcon; width: number; height: PanelHeight }

/** In the order they are offered, each with the size it begins with. */
export const panelKinds: Record<PanelKind, KindWords> = {
  chart: { label: 'Chart', note: 'up to eight lines', Icon: ChartLine, width: 6, height: 'medium' },
  tile: { label: 'Tile', note: 'one number, large', Icon: SquareActivity, width: 3, height: 'small' },
  gauge: { label: 'Gauge', note: 'a number on its scale', Icon: Gauge, width: 3, height: 'medium' },
  state: { label: 'State', note: 'open, closed, on, off', Icon: CircleDot, width: 3, height: 'small' },
  positions: { label: 'Positions', note: 'where things are', Icon: MapPin, width: 6, height: 'medium' },
  command: { label: 'Command', note: 'a button', Icon: Send, width: 3, height: 'small' },
}

export const panelHeights = ['small', 'medium', 'large'] as const satisfies readonly PanelHeight[]

/** Of the plot alone; the head of its panel comes on top. */
export const plotHeightPx: Record<PanelHeight, number> = { small: 96, medium: 220, large: 400 }

export const usualLatitude = 'gps.lat'
export const usualLongitude = 'gps.lon'
export const panelsMax = 50
export const seriesMax = 8

/** Without the type, as in lists and announcements, a metric is called what its name suggests. */
export function panelName(panel: Panel, type: DeviceType | null = null): string {
  if (panel.title !== undefined) return panel.title
  switch (panel.kind) {
    case 'chart': {
      const [first, ...others] = [...new Set(panel.series.map(({ metric }) => metric))]
      if (first === undefined) return panelKinds.chart.label
      const { label } = metricLook(type, first)
      return others.length === 0 ? label : `${label} and ${others.length} more`
    }
    case 'positions':
      return panel.tag === undefined ? 'Positions' : `Positions of ${panel.tag}`
    case 'command':
      return panel.label
    default:
      return metricLook(type, panel.metric).label
  }
}

/** What the charts of a board need the past of: charts, sparklines and lanes of states. */
export function sourcesOf(panels: readonly Panel[]): { deviceId: string; metrics: string[] }[] {
  const wanted = panels.flatMap((panel): { deviceId: string; metric: string }[] => {
    if (panel.kind === 'chart') return panel.series
    return panel.kind === 'tile' || panel.kind === 'state' || panel.kind === 'gauge' ? [panel] : []
  })
  const metrics = new Map<string, Set<string>>()
  for (const { deviceId, metric } of wanted)
    metrics.set(deviceId, (metrics.get(deviceId) ?? new Set()).add(metric))
  return [...metrics].map(([deviceId, names]) => ({ deviceId, metrics: [...names].sort() }))
}

/** All series of a board, for what is exported or shown as a table. */
export function seriesOf(panels: readonly Panel[]) {
  return panels.flatMap((panel) => {
    if (panel.kind === 'chart') return panel.series
    if (panel.kind === 'positions' || panel.kind === 'command') return []
    return [{ deviceId: panel.deviceId, metric: panel.metric }]
  })
}
