import { useSortable } from '@dnd-kit/sortable'
import type { Panel } from '@telltale/api/contract'
import {
  Copy,
  GripVertical,
  type LucideIcon,
  MoveDiagonal2,
  Pencil,
  Trash2,
  UnfoldHorizontal,
  UnfoldVertical,
} from 'lucide-react'
import type { RefObject } from 'react'
import { slotClass, slotStyle } from './board-grid.tsx'
import { heighten, widen } from './layout.ts'
import { PanelView } from './panel-view.tsx'
import { panelHeights, panelName } from './panels.ts'
import { useCornerDrag } from './use-corner-drag.ts'

type EditSlotProps = {
  panel: Panel
  place: number
  of: number
  grid: RefObject<HTMLDivElement | null>
  onEdit: (panel: Panel) => void
  onResize: (panel: Panel) => void
  onDuplicate: (panel: Panel) => void
  onRemove: (panel: Panel) => void
}

/** A panel with its tools. What it shows goes on, and takes no press while it is arranged. */
export function EditSlot({ panel, place, of, grid, onEdit, onResize, onDuplicate, onRemove }: EditSlotProps) {
  const sortable = useSortable({ id: panel.id })
  const name = panelName(panel)
  const corner = useCornerDrag({ panel, grid, onResize })
  // It takes the place of the one it is over: the line is on the side where it would come from.
  const isTarget = sortable.isOver && sortable.activeIndex !== sortable.index
  const side = sortable.activeIndex < sortable.index ? 'after' : 'before'
  const classes = [
    slotClass(panel),
    'eslot',
    sortable.isDragging && 'is-lifted',
    isTarget && `is-target is-${side}`,
  ]
  return (
    <article
      ref={sortable.setNodeRef}
      className={classes.filter(Boolean).join(' ')}
      style={slotStyle(panel)}
      aria-label={`${name}, place ${place} of ${of}`}
    >
      <div className="eslot__bar">
        <button
          type="button"
          ref={sortable.setActivatorNodeRef}
          className="btn btn--quiet btn--icon btn--sm eslot__grip"
          {...sortable.attributes}
          {...sortable.listeners}
          aria-label={`Move ${name}`}
        >
          <GripVertical className="i i--sm" aria-hidden="true" />
        </button>
        <span className="eslot__size num ink-3" aria-hidden="true">
          {panel.width}/12
        </span>
        <span className="eslot__tools">
          <Sizes panel={panel} name={name} onResize={onResize} />
          <Tool Icon={Pencil} label={`Change ${name}`} onPress={() => onEdit(panel)} />
          <Tool Icon={Copy} label={`Duplicate ${name}`} onPress={() => onDuplicate(panel)} />
          <Tool Icon={Trash2} label={`Remove ${name}`} onPress={() => onRemove(panel)} />
        </span>
      </div>
      <div className="eslot__body" inert>
        <PanelView panel={panel} />
      </div>
      {/* Only a shorter way: the buttons above do the same by keyboard. */}
      <span className="eslot__corner" aria-hidden="true" {...corner}>
        <MoveDiagonal2 className="i i--sm" />
      </span>
    </article>
  )
}

type SizesProps = { panel: Panel; name: string; onResize: (panel: Panel) => void }

/** One button for a size: a press makes it larger, Shift or the arrow keys go both ways, and it goes round. */
function Sizes({ panel, name, onResize }: SizesProps) {
  const wider = (by: number) => onResize(widen(panel, by))
  const higher = (by: number) => onResize(heighten(panel, by))
  const last = panelHeights.length - 1
  return (
    <>
      <Tool
        Icon={UnfoldHorizontal}
        label={`Width of ${name}: ${panel.width} of 12 columns`}
        onPress={(isBack) => wider(isBack ? -1 : panel.width === 12 ? -11 : 1)}
        onArrow={wider}
      />
      <Tool
        Icon={UnfoldVertical}
        label={`Height of ${name}: ${panel.height}`}
        onPress={(isBack) => higher(isBack ? -1 : panel.height === panelHeights[last] ? -last : 1)}
        onArrow={higher}
      />
    </>
  )
}

type ToolProps = {
  Icon: LucideIcon
  label: string
  onPress: (isBack: boolean) => void
  onArrow?: (by: number) => void
}

function Tool({ Icon, label, onPress, onArrow }: ToolProps) {
  return (
    <button
      type="button"
      className="btn btn--quiet btn--icon btn--sm"
      aria-label={label}
      title={label}
      onClick={(event) => onPress(event.shiftKey)}
      onKeyDown={(event) => {
        const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key]
        if (by === undefined || onArrow === undefined) return
        event.preventDefault()
        onArrow(by)
      }}
    >
      <Icon className="i i--sm" aria-hidden="true" />
    </button>
  )
}
