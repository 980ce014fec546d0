import { Link } from '@tanstack/react-router'
import type { Board } from '@telltale/api/contract'
import { LayoutDashboard, MonitorPlay, Pencil } from 'lucide-react'
import { TimeBar } from '../charts/time-bar.tsx'
import { TimeFrame } from '../charts/time-frame.tsx'
import { TopBar } from '../shell/top-bar.tsx'
import { Lamp } from '../ui/lamp.tsx'
import { Quietbox } from '../ui/states.tsx'
import { usePictureIsOld } from '../use-live.ts'
import { BoardCrumb } from './board-crumb.tsx'
import { BoardGrid } from './board-grid.tsx'
import { BoardMenu } from './board-menu.tsx'
import { type BoardContent, useMayChange } from './boards.ts'
import { seriesOf, sourcesOf } from './panels.ts'
import { ShareBoard } from './share.tsx'

export function BoardView({ board }: { board: Board }) {
  const mayChange = useMayChange(board)
  return (
    <>
      <TopBar
        actions={
          <>
            <ShareBoard board={board} mayChange={mayChange} />
            <Link
              className="btn btn--quiet not-phone"
              to="/boards/$boardId"
              params={{ boardId: board.id }}
              search={{ wall: 1 }}
              title="Show on a wall"
            >
              <MonitorPlay className="i" aria-hidden="true" />
              Wall
            </Link>
            {mayChange && (
              <Link
                className="btn not-phone"
                to="/boards/$boardId"
                params={{ boardId: board.id }}
                search={(search) => ({ ...search, edit: 1 })}
              >
                <Pencil className="i" aria-hidden="true" />
                Edit
              </Link>
            )}
            <BoardMenu board={board} mayChange={mayChange} />
          </>
        }
      >
        <BoardCrumb name={board.name} />
        {!mayChange && <span className="ink-3 not-phone board__owner">by {board.owner}</span>}
      </TopBar>
      <div className="page page--tight">
        {board.panels.length === 0 ? (
          <EmptyBoard boardId={board.id} mayChange={mayChange} />
        ) : (
          <BoardBody content={board} />
        )}
      </div>
    </>
  )
}

/** One frame of time for all charts: one range, one crosshair, one pause. */
export function BoardBody({ content }: { content: BoardContent }) {
  const old = usePictureIsOld()
  const series = seriesOf(content.panels)
  return (
    <TimeFrame sources={sourcesOf(content.panels)} usual={content.range}>
      {series.length > 0 && <TimeBar series={series} />}
      <div className={old ? 'is-old' : ''}>
        <BoardGrid panels={content.panels} label={content.name} />
      </div>
    </TimeFrame>
  )
}

function EmptyBoard({ boardId, mayChange }: { boardId: string; mayChange: boolean }) {
  return (
    <div className="panel">
      <Quietbox icon={<LayoutDashboard className="i" aria-hidden="true" />} title="Nothing on this board yet">
        <span>
          Charts, tiles, gauges, states, positions and command buttons, side by side as you like them.
        </span>
        {mayChange ? (
          <Link className="btn btn--primary" to="/boards/$boardId" params={{ boardId }} search={{ edit: 1 }}>
            Add the first panel
          </Link>
        ) : (
          <span className="iconline">
            <Lamp shape="never" tone="off" /> Its owner has put nothing here so far.
          </span>
        )}
      </Quietbox>
    </div>
  )
}
