import { useQueries } from '@tanstack/react-query'
import type { Device, Latest } from '@telltale/api/contract'
import { useEffect, useMemo, useState } from 'react'
import { deviceRows, latestOf } from '../devices/devices.ts'
import { useWatch } from '../use-live.ts'
import { daysOf, sparklinesOf } from './fleet-queries.ts'
import { blocksOf, type Place } from './order.ts'
import type { Day, Line } from './row-parts.tsx'

/** Who scrolls past reads nothing: what is asked for is where the scrolling rests or goes slowly. */
const restMs = 80

export type RowData = {
  devices: ReadonlyMap<string, Device>
  latest: ReadonlyMap<string, Latest['values']>
  lines: ReadonlyMap<string, Line>
  days: ReadonlyMap<string, Day>
  error: Error | null
}

/** What the rows on the screen show: four questions for each block of them, whatever the length of the list. */
export function useRowData(ids: readonly string[], { first, last }: Place): RowData {
  const blocks = useResting(useMemo(() => blocksOf(ids, { first, last }), [ids, first, last]))
  const watched = useMemo(() => blocks.flat(), [blocks])
  useWatch(watched)
  const devices = useQueries({ queries: blocks.map((block) => deviceRows(block)) })
  const latest = useQueries({ queries: blocks.map((block) => latestOf(block)) })
  const lines = useQueries({ queries: blocks.map((block) => sparklinesOf(block)) })
  const days = useQueries({ queries: blocks.map((block) => daysOf(block)) })
  return {
    devices: collect(devices, (page) => page.items.map((device) => [device.id, device])),
    latest: collect(latest, ({ items }) => items.map((item) => [item.deviceId, item.values])),
    lines: collect(lines, (answer) => named(answer)),
    days: collect(days, (answer) => named(answer)),
    error: devices.find(({ error }) => error !== null)?.error ?? null,
  }
}

function collect<T, R>(
  answers: { data: T | undefined }[],
  entriesOf: (data: T) => [id: string, row: R][],
): ReadonlyMap<string, R> {
  return new Map(answers.flatMap(({ data }) => (data === undefined ? [] : entriesOf(data))))
}

const rowsOfAnswer = new WeakMap<object, [id: string, row: unknown][]>()

/** Each item with the range of its answer: the same object as long as the answer is, so that its row rests. */
function named<T extends { items: { deviceId: string }[] }>(
  answer: T,
): [id: string, row: T['items'][number] & Omit<T, 'items'>][] {
  const known = rowsOfAnswer.get(answer)
  if (known !== undefined) return known as [string, T['items'][number] & Omit<T, 'items'>][]
  const { items, ...range } = answer
  const rows = items.map((item): [string, T['items'][number] & Omit<T, 'items'>] => [
    item.deviceId,
    { ...item, ...range },
  ])
  rowsOfAnswer.set(answer, rows)
  return rows
}

/** The newest blocks once they have stayed for a moment; the first ones at once. */
function useResting(blocks: (readonly string[])[]): (readonly string[])[] {
  const key = blocks.map((block) => `${block[0]},${block.length}`).join(' ')
  const [resting, setResting] = useState({ key, blocks })
  const isEmpty = resting.blocks.length === 0
  useEffect(() => {
    if (key === resting.key && blocks[0] === resting.blocks[0]) return
    const timer = setTimeout(() => setResting({ key, blocks }), isEmpty ? 0 : restMs)
    return () => clearTimeout(timer)
  }, [key, blocks, resting, isEmpty])
  return resting.blocks
}
