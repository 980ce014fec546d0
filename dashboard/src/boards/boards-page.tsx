import './boards.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { BoardSummary } from '@telltale/api/contract'
import { MonitorPlay, Plus } from 'lucide-react'
import { useState } from 'react'
import { useSession } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { When } from '../ui/when.tsx'
import { useNow } from '../use-live.ts'
import { boardList } from './boards.ts'
import { Generated } from './generated-list.tsx'
import { NewBoardDialog } from './new-board.tsx'
import { Sketch } from './sketch.tsx'

export function Boards() {
  const [open, setOpen] = useState(false)
  const mine = useInfiniteQuery(boardList('me'))
  const boards = mine.data?.pages.flatMap(({ items }) => items) ?? []
  const [first] = boards
  return (
    <>
      <title>Boards · Telltale</title>
      <TopBar
        actions={
          first !== undefined && (
            <Link
              className="btn btn--quiet"
              to="/boards/$boardId"
              params={{ boardId: first.id }}
              search={{ wall: 1 }}
              title="Show all of mine on a wall, one after the other"
            >
              <MonitorPlay className="i" aria-hidden="true" />
              <span className="only-desktop">Wall</span>
              <span className="vh only-phone">Wall</span>
            </Link>
          )
        }
      >
        <h1 className="top__title">Boards</h1>
      </TopBar>
      <div className="page boards">
        <div className="boards__head">
          <p className="ink-2">
            What you want to see together: charts, tiles and buttons of any devices, arranged as you like.
            Every device and every tag has one already.
          </p>
          <button type="button" className="btn btn--primary" onClick={() => setOpen(true)}>
            <Plus className="i" aria-hidden="true" />
            New board
          </button>
        </div>
        <Mine boards={boards} list={mine} onNew={() => setOpen(true)} />
        <Shared />
        <Generated />
      </div>
      <NewBoardDialog open={open} onClose={() => setOpen(false)} />
    </>
  )
}

type List = ReturnType<typeof useBoards>

function useBoards(owner: 'me' | 'others') {
  return useInfiniteQuery(boardList(owner))
}

function Mine({ boards, list, onNew }: { boards: BoardSummary[]; list: List; onNew: () => void }) {
  const empty = (
    <div className="panel boards__none">
      <Sketch layout={exampleLayout} isExample />
      <Quietbox title="No board of your own yet">
        <span>Begin with an empty one, or open a generated one below and keep it.</span>
        <button type="button" className="btn btn--sm" onClick={onNew}>
          <Plus className="i i--sm" aria-hidden="true" />
          New board
        </button>
      </Quietbox>
    </div>
  )
  return <Section title="Mine" boards={boards} list={list} empty={empty} />
}

const exampleLayout: BoardSummary['layout'] = [
  { kind: 'tile', width: 4, height: 'small' },
  { kind: 'gauge', width: 4, height: 'small' },
  { kind: 'state', width: 4, height: 'small' },
  { kind: 'chart', width: 8, height: 'medium' },
  { kind: 'positions', width: 4, height: 'medium' },
]

/** Nothing shared is no news: the section is left out. */
function Shared() {
  const list = useBoards('others')
  const boards = list.data?.pages.flatMap(({ items }) => items) ?? []
  if (boards.length === 0 && !list.isError) return null
  return <Section title="Shared by others" boards={boards} list={list} empty={null} />
}

type SectionProps = { title: string; boards: BoardSummary[]; list: List; empty: React.ReactNode }

function Section({ title, boards, list, empty }: SectionProps) {
  return (
    <section className="boards__section" aria-label={title}>
      <h2 className="boards__title">{title}</h2>
      {list.data === undefined ? (
        list.isError ? (
          <Failure what="Could not load the boards" error={list.error} onRetry={() => void list.refetch()} />
        ) : (
          <SkeletonLines lines={2} heightPx={90} />
        )
      ) : boards.length === 0 ? (
        empty
      ) : (
        <ul className="boards__cards">
          {boards.map((board) => (
            <BoardCard key={board.id} board={board} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <div>
          <button
            type="button"
            className="btn btn--sm"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show more
          </button>
        </div>
      )}
    </section>
  )
}

function BoardCard({ board }: { board: BoardSummary }) {
  const now = useNow(10_000)
  const { username } = useSession().user
  const panels = board.layout.length
  return (
    <li className="boardcard" aria-label={board.name}>
      <Sketch layout={board.layout} />
      <span className="boardcard__words">
        <Link
          className="boardcard__name cut"
          to="/boards/$boardId"
          params={{ boardId: board.id }}
          title={board.name}
        >
          <bdi>{board.name}</bdi>
        </Link>
        <span className="ink-3 num cut">
          {panels === 0 ? 'empty' : panels === 1 ? '1 panel' : `${panels} panels`}
          {', '}
          <When at={Date.parse(board.updatedAt)} now={now} />
          {board.owner !== username && (
            <>
              , by <bdi>{board.owner}</bdi>
            </>
          )}
        </span>
        {board.shared && board.owner === username && <span className="tag">shared</span>}
      </span>
    </li>
  )
}
