import { type Grid, type LampState, placeOf } from './lamps.ts'

export type Lamps = {
  ids: readonly string[]
  stateOf: (index: number) => LampState
  isFaded: (index: number) => boolean
}

type Sprites = Map<string, HTMLCanvasElement>

/** Well is pale, trouble shines and is a little larger; offline is a ring, so that colour does not speak alone. */
const looks: Record<LampState, { role: string; size: number; isRing?: boolean }> = {
  o: { role: '--ok-quiet', size: 0.66 },
  s: { role: '--warn-fill', size: 0.8 },
  x: { role: '--bad-fill', size: 0.86, isRing: true },
  n: { role: '--quiet-stub', size: 0.43 },
  d: { role: '--quiet-stub', size: 0.43 },
}
const fadedOpacity = 0.38

/**
 * Colours are those of the theme it is drawn in. All of them in a few milliseconds: each kind of lamp is drawn once
 * and copied to its places.
 */
export function drawLamps(
  canvas: HTMLCanvasElement,
  lamps: Lamps,
  { grid }: { grid: Grid; theme: string },
): void {
  const scale = window.devicePixelRatio
  canvas.width = Math.round(grid.width * scale)
  canvas.height = Math.round(grid.height * scale)
  const context = canvas.getContext('2d')
  if (context === null || grid.count === 0) return
  const sprites: Sprites = new Map()
  // Trouble last, over its neighbours.
  for (const wanted of ['n', 'd', 'o', 's', 'x'] as const)
    for (let index = 0; index < lamps.ids.length; index += 1)
      if (lamps.stateOf(index) === wanted) drawOne(context, { index, lamps, grid, scale, sprites })
}

type One = { index: number; lamps: Lamps; grid: Grid; scale: number; sprites: Sprites }

function drawOne(context: CanvasRenderingContext2D, { index, lamps, grid, scale, sprites }: One): void {
  const state = lamps.stateOf(index)
  const isFaded = lamps.isFaded(index)
  const key = `${state}${isFaded}`
  const sprite = sprites.get(key) ?? makeSprite({ state, isFaded, pitch: grid.pitch, scale })
  sprites.set(key, sprite)
  const { x, y } = placeOf(index, grid)
  context.drawImage(
    sprite,
    Math.round((x - grid.pitch / 2) * scale),
    Math.round((y - grid.pitch / 2) * scale),
  )
}

type SpriteOf = { state: LampState; isFaded: boolean; pitch: number; scale: number }

function makeSprite({ state, isFaded, pitch, scale }: SpriteOf): HTMLCanvasElement {
  const sprite = document.createElement('canvas')
  const sizePx = Math.ceil(pitch * scale)
  sprite.width = sizePx
  sprite.height = sizePx
  const context = sprite.getContext('2d')
  if (context === null) return sprite
  const { role, size, isRing = false } = looks[state]
  const colour = getComputedStyle(document.documentElement).getPropertyValue(role)
  const widthPx = isRing ? Math.max(1, sizePx * 0.2) : 0
  context.globalAlpha = isFaded ? fadedOpacity : 1
  context.beginPath()
  context.arc(sizePx / 2, sizePx / 2, (sizePx * size - widthPx) / 2, 0, 2 * Math.PI)
  context.fillStyle = colour
  context.strokeStyle = colour
  context.lineWidth = widthPx
  if (isRing) context.stroke()
  else context.fill()
  return sprite
}
