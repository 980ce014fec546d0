import { useQueries, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { LayoutDashboard } from 'lucide-react'
import { useState } from 'react'
import { latestOf, oneDevice } from '../devices/devices.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { typeList } from '../types/types.ts'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useWatch } from '../use-live.ts'
import { BoardCrumb } from './board-crumb.tsx'
import { BoardBody } from './board-view.tsx'
import { type BoardContent, isNotFound } from './boards.ts'
import { devicesTagged } from './device-search.ts'
import { deviceBoard, tagBoard } from './generate.ts'
import { useKeep } from './keep.ts'
import { seriesMax } from './panels.ts'

export function DeviceBoardPage() {
  const { deviceId } = useParams({ from: '/shell/boards/device/$deviceId' })
  const device = useQuery(oneDevice(deviceId))
  const latest = useQuery({ ...latestOf([deviceId]), enabled: device.data !== undefined })
  const types = useQuery(typeList)
  useWatch([deviceId])
  const type = types.data?.find(({ name }) => name === device.data?.type) ?? null
  const values = latest.data?.items[0]?.values ?? {}
  const ready = device.data !== undefined && latest.data !== undefined && !types.isPending
  const content =
    ready && device.data !== undefined ? deviceBoard({ device: device.data, values, type }) : null
  if (isNotFound(device.error)) {
    return (
      <Nothing name={deviceId} title={`There is no device ${deviceId}`} words="It may have been deleted." />
    )
  }
  return (
    <GeneratedBoard
      key={deviceId}
      name={device.data?.name ?? deviceId}
      content={content}
      error={device.error ?? latest.error}
      onRetry={() => void Promise.all([device.refetch(), latest.refetch()])}
      emptyWords="It has sent no reading yet. Its board is made from what it says."
    />
  )
}

export function TagBoardPage() {
  const { tag } = useParams({ from: '/shell/boards/tag/$tag' })
  const list = useQuery(devicesTagged(tag, seriesMax))
  const types = useQuery(typeList)
  const devices = list.data?.items ?? []
  const latest = useQueries({ queries: devices.map(({ id }) => latestOf([id])) })
  useWatch(devices.map(({ id }) => id))
  const failed = latest.find(({ isError, data }) => isError && data === undefined)
  const isPending = list.isPending || types.isPending || latest.some(({ data }) => data === undefined)
  const known = devices.map((device, at) => ({
    device,
    values: latest[at]?.data?.items[0]?.values ?? {},
    type: types.data?.find(({ name }) => name === device.type) ?? null,
  }))
  if (list.data !== undefined && devices.length === 0)
    return (
      <Nothing name={tag} title={`No device has the tag ${tag}`} words="Whatever gets it shows up here." />
    )
  return (
    <GeneratedBoard
      key={tag}
      name={tag}
      content={isPending ? null : tagBoard(tag, known)}
      error={list.error ?? failed?.error ?? null}
      onRetry={() => void Promise.all([list.refetch(), ...latest.map(({ refetch }) => refetch())])}
      emptyWords="Its devices have no number in common yet."
    />
  )
}

type GeneratedBoardProps = {
  name: string
  /** Null while something it is made from is on its way. */
  content: BoardContent | null
  error: Error | null
  onRetry: () => void
  emptyWords: string
}

function GeneratedBoard({ name, content, error, onRetry, emptyWords }: GeneratedBoardProps) {
  const shown = useSteady(content)
  const keep = useKeep()
  return (
    <>
      <title>{`${name} · Telltale`}</title>
      <TopBar
        actions={
          <button
            type="button"
            className="btn"
            disabled={shown === null || shown.panels.length === 0 || keep.isPending}
            onClick={() => shown !== null && keep.mutate(shown)}
          >
            <LayoutDashboard className="i" aria-hidden="true" />
            <span className="only-desktop">Keep as my board</span>
            <span className="only-phone">Keep</span>
          </button>
        }
      >
        <BoardCrumb name={name} />
        <span className="ink-3 not-phone board__owner">generated</span>
      </TopBar>
      <div className="page page--tight">
        {shown === null ? (
          error !== null ? (
            <Failure what={`Could not make the board of ${name}`} error={error} onRetry={onRetry} />
          ) : (
            <SkeletonLines lines={4} heightPx={120} />
          )
        ) : shown.panels.length === 0 ? (
          <div className="panel">
            <Quietbox title="Nothing to show yet">
              <span>{emptyWords}</span>
            </Quietbox>
          </div>
        ) : (
          <BoardBody content={shown} />
        )}
      </div>
    </>
  )
}

/** What it is made from changes with each reading; the board changes only when a panel more or less is due. */
function useSteady(content: BoardContent | null): BoardContent | null {
  const [shown, setShown] = useState(content)
  const isNew = content !== null && JSON.stringify(content) !== JSON.stringify(shown)
  if (isNew) setShown(content)
  return isNew ? content : shown
}

function Nothing({ name, title, words }: { name: string; title: string; words: string }) {
  return (
    <>
      <TopBar>
        <BoardCrumb name={name} />
      </TopBar>
      <div className="page">
        <Quietbox title={title}>
          <span>{words}</span>
          <Link className="btn btn--sm" to="/boards">
            Go to the boards
          </Link>
        </Quietbox>
      </div>
    </>
  )
}
