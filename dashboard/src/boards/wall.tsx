import './wall.css'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { useCallback, useEffect, useRef } from 'react'
import { TimeFrame } from '../charts/time-frame.tsx'
import { TopBar } from '../shell/top-bar.tsx'
import { formatAge, formatClockShort } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useLiveState, useNow, usePictureIsOld } from '../use-live.ts'
import { BoardGrid } from './board-grid.tsx'
import { boardList, oneBoard } from './boards.ts'
import { sourcesOf } from './panels.ts'
import { cycleSecondsUsual, readBoardIds } from './search.ts'
import { useAwake, useCycle, useStillness } from './wall-hooks.ts'

/** For a screen nobody sits at: no navigation, large words, one board after the other, honest about being cut off. */
export function Wall({ boardId }: { boardId: string }) {
  const { cycle = cycleSecondsUsual, boards } = useSearch({ from: '/shell/boards/$boardId' })
  const ids = useIds(boardId, readBoardIds(boards))
  const navigate = useNavigate()
  const isStill = useStillness()
  const turn = useCycle(ids.length, cycle * 1_000, !isStill)
  const shown = ids[turn.at % ids.length] ?? boardId
  const leave = useCallback(() => {
    if (document.fullscreenElement !== null) void document.exitFullscreen()
    void navigate({ to: '/boards/$boardId', params: { boardId: shown }, search: {} })
  }, [navigate, shown])
  useAwake()
  useWallOnly()
  useLeaving(leave)
  return (
    <div className={isStill ? 'wall is-still' : 'wall'}>
      <WallBoard key={shown} boardId={shown} leave={leave} />
      {ids.length > 1 && (
        <div
          className="wall__progress"
          role="img"
          aria-label={`Board ${(turn.at % ids.length) + 1} of ${ids.length}${turn.paused ? ', held' : ''}`}
        >
          <span style={{ transform: `scaleX(${turn.share})` }} />
        </div>
      )}
    </div>
  )
}

/** Those chosen in the address, else all of one's own; the one that was asked for comes first. */
function useIds(boardId: string, chosen: readonly string[]): string[] {
  const mine = useInfiniteQuery({ ...boardList('me'), enabled: chosen.length === 0 })
  const own = mine.data?.pages.flatMap(({ items }) => items.filter(({ layout }) => layout.length > 0)) ?? []
  const others = chosen.length > 0 ? chosen : own.map(({ id }) => id)
  return [...new Set([boardId, ...others])]
}

function WallBoard({ boardId, leave }: { boardId: string; leave: () => void }) {
  const board = useQuery(oneBoard(boardId))
  return (
    <>
      <title>{`${board.data?.name ?? 'Wall'} · Telltale`}</title>
      <TopBar actions={<WallClock leave={leave} />}>
        <h1 className="top__title cut">
          <bdi>{board.data?.name ?? 'Board'}</bdi>
        </h1>
      </TopBar>
      <CutOff />
      <div className="page">
        {board.data === undefined ? (
          board.isError ? (
            <Failure what="Could not load this board" error={board.error} />
          ) : (
            <SkeletonLines lines={4} heightPx={140} />
          )
        ) : board.data.panels.length === 0 ? (
          <Quietbox title="Nothing on this board yet" />
        ) : (
          <TimeFrame sources={sourcesOf(board.data.panels)} usual={board.data.range}>
            {/* Nothing here is for pressing: a press leaves. */}
            <div inert>
              <BoardGrid panels={board.data.panels} label={board.data.name} />
            </div>
          </TimeFrame>
        )}
      </div>
    </>
  )
}

function WallClock({ leave }: { leave: () => void }) {
  const now = useNow()
  return (
    <>
      <button type="button" className="btn btn--quiet wall__leave" onClick={leave}>
        <X className="i" aria-hidden="true" />
        Leave
      </button>
      <time className="wall__clock num">{formatClockShort(now)}</time>
    </>
  )
}

/** Readable from where nobody sees a small lamp. */
function CutOff() {
  const old = usePictureIsOld()
  const { newestAt } = useLiveState()
  const now = useNow()
  if (!old) return null
  return (
    <div className="banner banner--off wall__cutoff" role="status">
      <Lamp shape="offline" size="lg" />
      <b>Not connected.</b>
      <span>
        {newestAt === null ? 'Nothing here is new.' : `What is shown is ${formatAge(now - newestAt)} old.`}
      </span>
    </div>
  )
}

/** Any key, click or touch; moving the mouse only wakes the cursor. */
function useLeaving(leave: () => void): void {
  const newest = useRef(leave)
  newest.current = leave
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // The press that opened the wall ends on it; a shortcut of the browser is none of ours.
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.key === 'F11') return
      event.preventDefault()
      newest.current()
    }
    const onTouch = (event: PointerEvent) => {
      if (event.pointerType !== 'mouse') newest.current()
    }
    window.addEventListener('keydown', onKey)
    window.addEventListener('pointerdown', onTouch)
    // Escape is the browser's own while the page has the whole screen.
    const onScreen = () => document.fullscreenElement === null && newest.current()
    document.addEventListener('fullscreenchange', onScreen)
    return () => {
      window.removeEventListener('keydown', onKey)
      window.removeEventListener('pointerdown', onTouch)
      document.removeEventListener('fullscreenchange', onScreen)
    }
  }, [])
}

/** The shell around it stays mounted, because it keeps the line; it is not shown, and the whole screen is asked for. */
function useWallOnly(): void {
  useEffect(() => {
    const root = document.documentElement
    root.dataset.wall = ''
    // Refused without a press before it, as after a reload: then the window is the wall.
    if (root.requestFullscreen !== undefined && navigator.userActivation?.isActive === true)
      void root.requestFullscreen().catch(() => undefined)
    return () => {
      delete root.dataset.wall
    }
  }, [])
}
