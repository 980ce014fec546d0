import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import type { Board } from '@telltale/api/contract'
import { lazy, Suspense } from 'react'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { BoardCrumb } from './board-crumb.tsx'
import { BoardView } from './board-view.tsx'
import { isNotFound, oneBoard } from './boards.ts'

const Editor = lazy(async () => ({ default: (await import('./editor.tsx')).Editor }))
const Wall = lazy(async () => ({ default: (await import('./wall.tsx')).Wall }))

export function BoardPage() {
  const { boardId } = useParams({ from: '/shell/boards/$boardId' })
  const { edit, wall } = useSearch({ from: '/shell/boards/$boardId' })
  const board = useQuery(oneBoard(boardId))
  if (wall === 1) {
    return (
      <Suspense>
        <Wall boardId={boardId} />
      </Suspense>
    )
  }
  if (board.data !== undefined && !isNotFound(board.error)) {
    return (
      <>
        <title>{`${board.data.name} · Telltale`}</title>
        <Suspense fallback={<Waiting name={board.data.name} />}>
          {edit === 1 ? (
            <Editor key={boardId} board={board.data} />
          ) : (
            <BoardView key={boardId} board={board.data} />
          )}
        </Suspense>
      </>
    )
  }
  return (
    <>
      <TopBar>
        <BoardCrumb name="Board" />
      </TopBar>
      <div className="page">
        {board.isError ? (
          <NoBoard error={board.error} onRetry={() => void board.refetch()} />
        ) : (
          <SkeletonLines lines={4} heightPx={120} />
        )}
      </div>
    </>
  )
}

function Waiting({ name }: { name: Board['name'] }) {
  return (
    <>
      <TopBar>
        <BoardCrumb name={name} />
      </TopBar>
      <div className="page">
        <SkeletonLines lines={4} heightPx={120} />
      </div>
    </>
  )
}

function NoBoard({ error, onRetry }: { error: Error; onRetry: () => void }) {
  if (!isNotFound(error)) return <Failure what="Could not load the board" error={error} onRetry={onRetry} />
  return (
    <Quietbox title="There is no such board">
      <span>It was deleted, or its owner keeps it private.</span>
      <Link className="btn btn--sm" to="/boards">
        Go to the boards
      </Link>
    </Quietbox>
  )
}
