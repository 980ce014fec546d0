import './board.css'
import './panels.css'
import {
  type Announcements,
  type CollisionDetection,
  closestCenter,
  DndContext,
  type DragEndEvent,
  DragOverlay,
  KeyboardSensor,
  MeasuringStrategy,
  MouseSensor,
  pointerWithin,
  TouchSensor,
  useSensor,
  useSensors,
} from '@dnd-kit/core'
import { SortableContext } from '@dnd-kit/sortable'
import type { Panel } from '@telltale/api/contract'
import { GripVertical } from 'lucide-react'
import { useRef, useState } from 'react'
import { randomUuid } from '../ui/uuid.ts'
import { EditSlot } from './edit-slot.tsx'
import { arrowCoordinates, byCorner } from './keyboard-moves.ts'
import { changePanel, duplicatePanel, movePanel, removePanel } from './layout.ts'
import { panelName } from './panels.ts'

type EditGridProps = {
  panels: readonly Panel[]
  /** `what`: steps of one kind that are taken back together. */
  onChange: (panels: Panel[], said: string, what?: string) => void
  onEdit: (panel: Panel) => void
}

/**
 * While a panel is carried nothing else moves: a line shows where it would land. Panels of different sizes that made
 * way would flee from under the pointer.
 */
export function EditGrid({ panels, onChange, onEdit }: EditGridProps) {
  const [carried, setCarried] = useState<Panel | null>(null)
  const grid = useRef<HTMLDivElement>(null)
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 4 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 150, tolerance: 8 } }),
    // A page that glides while the next arrow is pressed leads somewhere else.
    useSensor(KeyboardSensor, { coordinateGetter: arrowCoordinates, scrollBehavior: 'auto' }),
  )
  const at = (id: unknown) => panels.findIndex((panel) => panel.id === id)
  const drop = ({ active, over }: DragEndEvent) => {
    setCarried(null)
    const [from, to] = [at(active.id), at(over?.id)]
    if (from < 0 || to < 0 || from === to) return
    onChange(movePanel(panels, from, to), `Moved ${nameAt(panels, from)} to place ${to + 1}.`)
  }
  const tools = {
    onEdit,
    onResize: (changed: Panel) => {
      const said = `${panelName(changed)} is ${changed.width} of 12 columns wide, ${changed.height}.`
      onChange(changePanel(panels, changed), said, `size ${changed.id}`)
    },
    onDuplicate: (panel: Panel) =>
      onChange(duplicatePanel(panels, panel.id, randomUuid()), `Duplicated ${panelName(panel)}.`),
    onRemove: (panel: Panel) =>
      onChange(removePanel(panels, panel.id), `Removed ${panelName(panel)}. Undo brings it back.`),
  }
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={underPointer}
      measuring={measureAlways}
      accessibility={{
        announcements: announcementsFor(panels),
        screenReaderInstructions: { draggable: instructions },
      }}
      onDragStart={({ active }) => setCarried(panels[at(active.id)] ?? null)}
      onDragEnd={drop}
      onDragCancel={() => setCarried(null)}
    >
      <SortableContext items={panels.map(({ id }) => id)} strategy={stayPut}>
        <div ref={grid} className={carried === null ? 'bgrid is-editing' : 'bgrid is-editing is-carrying'}>
          {panels.map((panel, index) => (
            <EditSlot
              key={panel.id}
              panel={panel}
              place={index + 1}
              of={panels.length}
              grid={grid}
              {...tools}
            />
          ))}
        </div>
      </SortableContext>
      <DragOverlay dropAnimation={null}>
        {carried !== null && (
          <div className="carried">
            <GripVertical className="i" aria-hidden="true" />
            <bdi className="cut">{panelName(carried)}</bdi>
          </div>
        )}
      </DragOverlay>
    </DndContext>
  )
}

const stayPut = () => null
/** So that the first arrow after a lift already knows where the others are. */
const measureAlways = { droppable: { strategy: MeasuringStrategy.Always } }

/** What the pointer is on; between panels the nearest. */
const underPointer: CollisionDetection = (args) => {
  if (args.pointerCoordinates === null) return byCorner(args)
  const within = pointerWithin(args)
  return within.length > 0 ? within : closestCenter(args)
}

const instructions =
  'Press Space to lift the panel, the arrow keys to choose its place, Space again to drop it there, Escape to leave it where it was.'

function nameAt(panels: readonly Panel[], at: number): string {
  const panel = panels[at]
  return panel === undefined ? 'the panel' : panelName(panel)
}

function announcementsFor(panels: readonly Panel[]): Announcements {
  const place = (id: unknown) => panels.findIndex((panel) => panel.id === id)
  const name = (id: unknown) => nameAt(panels, place(id))
  return {
    // Said when the places are known, a moment later: then an arrow leads somewhere.
    onDragStart: () => undefined,
    onDragOver: ({ active, over }) => {
      if (over === null) return `${name(active.id)} is over no place.`
      if (over.id === active.id)
        return `Lifted ${name(active.id)}, place ${place(active.id) + 1} of ${panels.length}.`
      return `${name(active.id)} would be at place ${place(over.id) + 1} of ${panels.length}.`
    },
    onDragEnd: ({ active, over }) =>
      `Dropped ${name(active.id)} at place ${place(over?.id ?? active.id) + 1} of ${panels.length}.`,
    onDragCancel: ({ active }) => `${name(active.id)} stays at place ${place(active.id) + 1}.`,
  }
}
