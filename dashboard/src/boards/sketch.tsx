import type { BoardSummary } from '@telltale/api/contract'

type SketchProps = { layout: BoardSummary['layout']; isExample?: boolean }

const rowsOf = { small: 2, medium: 4, large: 6 } as const
const shownMax = 14

/** A board from afar: where its panels stand, and what kind they are. Decoration: the name is the information. */
export function Sketch({ layout, isExample = false }: SketchProps) {
  return (
    <span className={isExample ? 'sketch sketch--example' : 'sketch'} aria-hidden="true">
      {layout.slice(0, shownMax).map(({ kind, width, height }, at) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: a picture of the whole, redrawn as a whole
          key={at}
          className={`sketch__panel sketch__panel--${kind}`}
          style={{ gridColumn: `span ${width}`, gridRow: `span ${rowsOf[height]}` }}
        />
      ))}
    </span>
  )
}
