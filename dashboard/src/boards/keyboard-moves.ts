import type { CollisionDetection, KeyboardCoordinateGetter } from '@dnd-kit/core'
import { type Arrow, middle, placeBeside } from './layout.ts'

const arrows: readonly string[] = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'] satisfies Arrow[]

/** An arrow puts the corner of what is carried into the middle of the panel whose place it would take. */
export const arrowCoordinates: KeyboardCoordinateGetter = (event, { active, context }) => {
  if (!arrows.includes(event.code)) return undefined
  event.preventDefault()
  const { over, droppableRects, droppableContainers, collisionRect } = context
  const ids = droppableContainers.getEnabled().map(({ id }) => id)
  const boxes = ids.flatMap((id) => droppableRects.get(id) ?? [])
  if (collisionRect === null || boxes.length !== ids.length) return undefined
  const target = boxes[placeBeside(boxes, ids.indexOf(over?.id ?? active), event.code as Arrow)]
  if (target === undefined) return undefined
  return middle(target)
}

/**
 * For the keyboard: by the corner, whatever the size of what is carried, which is a panel at first and then a small
 * sign. Not moved yet, it is over its own place.
 */
export const byCorner: CollisionDetection = ({ active, collisionRect, droppableRects }) => {
  const { initial } = active.rect.current
  const { left, top } = collisionRect
  if (initial === null || Math.hypot(left - initial.left, top - initial.top) < 1) return [{ id: active.id }]
  let nearest = { id: active.id, distance: Infinity }
  for (const [id, box] of droppableRects) {
    const { x, y } = middle(box)
    const distance = Math.hypot(x - left, y - top)
    if (distance < nearest.distance) nearest = { id, distance }
  }
  return [{ id: nearest.id }]
}
