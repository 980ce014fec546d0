import './board.css'
import './panels.css'
import type { Panel } from '@telltale/api/contract'
import type { CSSProperties } from 'react'
import { PanelView } from './panel-view.tsx'

/** Twelve columns, in the order of the document, so that what is read and what is tabbed through is one order. */
export function BoardGrid({ panels, label }: { panels: readonly Panel[]; label: string }) {
  return (
    <section className="bgrid" aria-label={label}>
      {panels.map((panel) => (
        <div key={panel.id} className={slotClass(panel)} style={slotStyle(panel)}>
          <PanelView panel={panel} />
        </div>
      ))}
    </section>
  )
}

/** On a narrow window there are two columns: wide panels take both. */
export function slotClass(panel: Panel): string {
  return panel.width > 6 || panel.kind === 'chart' ? 'slot slot--wide' : 'slot'
}

export function slotStyle(panel: Panel): CSSProperties {
  return { '--columns': panel.width } as CSSProperties
}
