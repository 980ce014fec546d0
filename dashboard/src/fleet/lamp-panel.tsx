import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { FleetIndex } from '@telltale/api/contract'
import { type PointerEvent, type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import { oneDevice } from '../devices/devices.ts'
import { formatCount } from '../ui/format.ts'
import { useSize } from '../ui/use-size.ts'
import { useLiveEvents } from '../use-live.ts'
import { fleetIndex } from './fleet-queries.ts'
import { drawLamps, type Lamps } from './lamp-canvas.ts'
import { type Grid, gridOf, indexAt, type LampState, letterOf, placeOf, stateWords } from './lamps.ts'
import { useFleetSummary } from './summary.ts'

const devicesMin = 24
const redrawEveryMs = 250
/** A word of an event is newer than an answer that was on its way. */
const heardKeptMs = 10_000
const nameAfterMs = 150
const unread: FleetIndex = { ids: [], states: '', truncated: false }

/**
 * One lamp for each device in the order of the list, so a place on the panel keeps its meaning. It is as high as it
 * will be before the lamps are known: the list below does not move when they come.
 */
export function LampPanel() {
  const summary = useFleetSummary().data
  const isShown = summary !== undefined && summary.total >= devicesMin
  const index = useQuery({ ...fleetIndex({}), enabled: isShown }).data
  if (!isShown) return null
  const { total, online, silent, offline, never } = summary
  const counts = [
    `${formatCount(online)} online`,
    `${silent} silent`,
    `${offline} offline`,
    `${never} never seen`,
  ]
  return (
    <Panel
      index={index ?? unread}
      count={index?.ids.length ?? total}
      words={`${formatCount(total)} devices: ${counts.join(', ')}`}
    />
  )
}

type PanelProps = { index: FleetIndex; count: number; words: string }

function Panel({ index, count, words }: PanelProps) {
  const navigate = useNavigate()
  const { ref, width } = useSize()
  const grid = useMemo(() => gridOf(count, width), [count, width])
  const { canvas, lamps } = useDrawing(index, grid)
  const [at, setAt] = useState(-1)
  const find = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect()
    return indexAt(event.clientX - box.left, event.clientY - box.top, grid)
  }
  const press = (event: PointerEvent) => {
    const pressed = find(event)
    const id = index.ids[pressed]
    // A finger has no hover: its first touch names the device, the next one opens it.
    if (event.pointerType === 'touch' && pressed !== at) setAt(pressed)
    else if (id !== undefined) void navigate({ to: '/devices/$deviceId', params: { deviceId: id } })
  }
  const id = index.ids[at]
  return (
    <div className="lamps not-phone">
      <div ref={ref} className="lamps__box">
        {/* The pointer's shortcut to a device; the list below is the way for everybody. */}
        <canvas
          ref={canvas}
          role="img"
          aria-label={words}
          style={{ width: '100%', height: grid.height }}
          onPointerMove={(event) => event.pointerType !== 'touch' && setAt(find(event))}
          onPointerLeave={(event) => event.pointerType !== 'touch' && setAt(-1)}
          onPointerUp={press}
        />
        {id !== undefined && <LampName id={id} state={lamps.stateOf(at)} at={at} grid={grid} />}
      </div>
    </div>
  )
}

/** Drawn again when the answer, the filter, the theme or the window changes; of events a few times a second at most. */
function useDrawing(index: FleetIndex, grid: Grid) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const filter = useSearch({ from: '/shell/' })
  const isFiltered = Object.keys(filter).length > 0
  const matching = useQuery({ ...fleetIndex(filter), enabled: isFiltered }).data?.ids
  const heard = useRef(new Map<string, Heard>())
  const lamps = useMemo<Lamps>(() => {
    const shown = isFiltered && matching !== undefined ? new Set(matching) : null
    const states = newest(heard.current)
    heard.current = states
    return {
      ids: index.ids,
      stateOf: (place) => {
        const told = states.get(index.ids[place] ?? '')?.state
        // Disabled is no presence: what is said of its connection does not change that.
        const known = index.states[place] as LampState | undefined
        return known === 'd' ? known : (told ?? known ?? 'n')
      },
      isFaded: (place) => shown !== null && !shown.has(index.ids[place] ?? ''),
    }
  }, [index, isFiltered, matching])
  const theme = useTheme()
  const draw = useRef<(() => void) | null>(null)
  useEffect(() => {
    draw.current = () => canvas.current !== null && drawLamps(canvas.current, lamps, { grid, theme })
    draw.current()
  }, [lamps, grid, theme])
  useHearing(heard, draw)
  return { canvas, lamps }
}

type Heard = { state: LampState; at: number }

/** The others are in the answer that has come meanwhile. */
function newest(heard: ReadonlyMap<string, Heard>): Map<string, Heard> {
  const since = Date.now() - heardKeptMs
  return new Map([...heard].filter(([, { at }]) => at > since))
}

/** What events say since the last answer. Nothing is rendered for it: the canvas is drawn again. */
function useHearing(heard: RefObject<Map<string, Heard>>, draw: RefObject<(() => void) | null>): void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  useLiveEvents((event) => {
    if (event.type !== 'presence') return
    heard.current.set(event.data.deviceId, { state: letterOf(event.data.status), at: Date.now() })
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      draw.current?.()
    }, redrawEveryMs)
  })
}

/** Canvas knows no variables: it is drawn again when they change. */
function useTheme(): string {
  const [theme, setTheme] = useState('')
  useEffect(() => {
    const read = () => setTheme(document.documentElement.dataset.theme ?? '')
    read()
    const observer = new MutationObserver(read)
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => observer.disconnect()
  }, [])
  return theme
}

type LampNameProps = { id: string; state: LampState; at: number; grid: Grid }

/** Beside the lamp, on the side where there is room. */
function LampName({ id, state, at, grid }: LampNameProps) {
  const [isAsked, setAsked] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setAsked(id), nameAfterMs)
    return () => clearTimeout(timer)
  }, [id])
  const { data } = useQuery({ ...oneDevice(id), enabled: isAsked === id, staleTime: 30_000 })
  const { x, y } = placeOf(at, grid)
  const isRight = x > grid.width / 2
  return (
    <div
      className={isRight ? 'lamps__name lamps__name--left' : 'lamps__name'}
      style={{ left: x, top: y + grid.pitch }}
      aria-hidden="true"
    >
      <b className="cut">{data?.name ?? id}</b> <span>{stateWords[state]}</span>
    </div>
  )
}
