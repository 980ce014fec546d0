import type { Panel } from '@telltale/api/contract'
import { memo } from 'react'
import { ChartPanel } from './chart-panel.tsx'
import { CommandPanel } from './command-panel.tsx'
import { GaugePanel } from './gauge-panel.tsx'
import { PositionsPanel } from './positions-panel.tsx'
import { StatePanel } from './state-panel.tsx'
import { TilePanel } from './tile-panel.tsx'

/** A panel that has not changed is not drawn anew while others are moved about. */
export const PanelView = memo(function PanelView({ panel }: { panel: Panel }) {
  switch (panel.kind) {
    case 'chart':
      return <ChartPanel panel={panel} />
    case 'tile':
      return <TilePanel panel={panel} />
    case 'gauge':
      return <GaugePanel panel={panel} />
    case 'state':
      return <StatePanel panel={panel} />
    case 'positions':
      return <PositionsPanel panel={panel} />
    case 'command':
      return <CommandPanel panel={panel} />
  }
})
