import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { Device, Readings } from '@telltale/api/contract'
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'
import { isNoDevice, oneDevice } from '../devices/devices.ts'
import type { LiveClient } from '../live/client.ts'
import { useTelemetry } from '../telemetry/use-telemetry.ts'
import { useLive, useLiveEvents, useWatch } from '../use-live.ts'
import type { Crosshair } from './crosshair.ts'
import { Frame, type Shown } from './frame.ts'
import { mergeSources, type Source } from './sources.ts'
import type { TimeRange } from './time-range.ts'
import { useRange } from './use-range.ts'

export type { Source } from './sources.ts'

export type Answer = UseQueryResult<Readings>

/** What changes when somebody does something, not with every reading. */
type FrameContextValue = {
  frame: Frame
  range: TimeRange
  setRange: (range: TimeRange) => void
  zoom: (from: number, to: number) => void
  canGoBack: boolean
  back: () => void
  resume: () => void
  answers: ReadonlyMap<string, Answer>
}

/** Who shows the device asks for it more often. */
const deviceStaleMs = 60_000

const FrameContext = createContext<FrameContextValue | null>(null)

/** For what moves without rendering. */
export function useFrame(): FrameContextValue {
  const value = useContext(FrameContext)
  if (value === null) throw new Error('a chart needs a TimeFrame above it')
  return value
}

type TimeFrameProps = { sources: readonly Source[]; usual: TimeRange; children: ReactNode }

/** What all charts of one page share: the range in the address, the readings, the pause and the crosshair. */
export function TimeFrame({ sources, usual, children }: TimeFrameProps) {
  const live = useLive()
  const [deviceAnswers, setAnswers] = useState<ReadonlyMap<string, Answer>>(new Map())
  const { range, ...address } = useRange(usual)
  const [frame] = useState(() => new Frame(range, clockOf(live)))
  const merged = useMerged(sources)
  const deviceIds = useMemo(() => merged.map(({ deviceId }) => deviceId), [merged])
  useWatch(deviceIds)
  useLayoutEffect(() => frame.setRange(range), [frame, range])
  useEffect(() => frame.keep(new Set(deviceIds)), [frame, deviceIds])
  useTicks(frame)
  const controls = useControls(frame, { range, ...address })
  useSpaceKey(frame, controls.resume)
  const value = useMemo(
    () => ({ frame, range, ...controls, answers: deviceAnswers }),
    [frame, range, controls, deviceAnswers],
  )
  return (
    <FrameContext value={value}>
      {merged.map((source) => (
        <Feed
          key={source.deviceId}
          source={source}
          range={range}
          frame={frame}
          onAnswer={(answer) => setAnswers((known) => new Map(known).set(source.deviceId, answer))}
        />
      ))}
      {children}
    </FrameContext>
  )
}

function clockOf(live: LiveClient) {
  return {
    now: () => live.serverNow(),
    blindSince: () => {
      const { phase, newestAt } = live.getState()
      return phase === 'reconnecting' || phase === 'offline' ? newestAt : null
    },
    elapsed: () => performance.now(),
  }
}

/** The same array for the same wishes, however often the page renders. */
function useMerged(sources: readonly Source[]): readonly Source[] {
  const key = JSON.stringify(mergeSources(sources))
  return useMemo(() => JSON.parse(key) as Source[], [key])
}

function useControls(frame: Frame, { range, setRange, zoom, canGoBack, back }: ReturnType<typeof useRange>) {
  return useMemo(
    () => ({
      canGoBack,
      back,
      setRange: (chosen: TimeRange) => {
        frame.settle()
        setRange(chosen)
      },
      zoom: (from: number, to: number) => {
        if (range.kind === 'live') frame.leave(range)
        zoom(from, to)
      },
      resume: () => {
        const { leftFrom } = frame
        frame.resume()
        if (leftFrom !== null) setRange(leftFrom)
      },
    }),
    [frame, range, setRange, zoom, canGoBack, back],
  )
}

type FeedProps = { source: Source; range: TimeRange; frame: Frame; onAnswer: (answer: Answer) => void }

/** Of a device that is not there (any more) no readings are asked for. */
function Feed(props: FeedProps) {
  const { deviceId } = props.source
  const device = useQuery({
    ...oneDevice(deviceId),
    refetchInterval: false,
    staleTime: deviceStaleMs,
    select: idOf,
  })
  const isKnown = device.data !== undefined || device.isError
  return isKnown && !isNoDevice(device.error) ? <KnownFeed {...props} /> : null
}

/** Not all of it: that is another object with each reading. */
function idOf({ id }: Device): string {
  return id
}

/** One device's readings on their way into the frame. */
function KnownFeed({ source, range, frame, onAnswer }: FeedProps) {
  const { deviceId } = source
  const { picture, query } = useTelemetry({ ...source, range })
  useLiveEvents((event) => {
    if (event.type === 'reading' && event.data.deviceId === deviceId) frame.note()
  })
  useEffect(() => {
    if (picture === null) frame.endPicture(deviceId)
    else frame.setPicture(deviceId, picture)
  }, [frame, deviceId, picture])
  const { status, fetchStatus, dataUpdatedAt, error } = query
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answer is a new object in each render
  useEffect(() => onAnswer(query), [deviceId, status, fetchStatus, dataUpdatedAt, error])
  return null
}

function useTicks(frame: Frame): void {
  useEffect(() => {
    let request = requestAnimationFrame(function tick() {
      frame.tick()
      request = requestAnimationFrame(tick)
    })
    return () => {
      cancelAnimationFrame(request)
      frame.stop()
    }
  }, [frame])
}

/** Space, where nothing else takes it, holds the charts and lets them go. */
function useSpaceKey(frame: Frame, resume: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== ' ' || event.defaultPrevented || event.target !== document.body) return
      event.preventDefault()
      if (frame.getHold().paused) resume()
      else frame.pause()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [frame, resume])
}

export type TimeFrameControls = Omit<FrameContextValue, 'frame'> & {
  paused: boolean
  /** Readings that came since. */
  arrived: number
  pause: () => void
  crosshair: Crosshair
}

/** `setRange` replaces the address; `zoom` pushes one, so that `back` and the browser's Back undo it. */
export function useTimeFrame(): TimeFrameControls {
  const { frame, ...controls } = useFrame()
  const hold = useSyncExternalStore(frame.subscribeHold, frame.getHold)
  return { ...controls, ...hold, pause: frame.holdStill, crosshair: frame.crosshair }
}

/** Slides while live, as often as data is drawn. */
export function useShown(): Shown {
  const { frame } = useFrame()
  return useSyncExternalStore(frame.subscribeShown, frame.getShown)
}
