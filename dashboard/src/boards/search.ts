import { type RangeSearch, readRangeSearch } from '../charts/time-range.ts'

/** `wall` and `edit` are how the board is shown; `cycle` is seconds a board, `boards` the ids a wall goes through. */
export type BoardSearch = RangeSearch & { edit?: 1; wall?: 1; cycle?: number; boards?: string }

export const cycleSecondsUsual = 30
const cycleSecondsMin = 2
const cycleSecondsMax = 3_600
const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const boardsMax = 50

export function readBoardSearch(search: Record<string, unknown>): BoardSearch {
  const { cycle } = search
  const seconds = typeof cycle === 'number' && Number.isFinite(cycle) ? cycle : undefined
  const boards = readBoardIds(search.boards)
  return {
    ...readRangeSearch(search),
    ...(isSet(search.edit) && !isSet(search.wall) && { edit: 1 as const }),
    ...(isSet(search.wall) && { wall: 1 as const }),
    ...(seconds !== undefined && { cycle: Math.min(cycleSecondsMax, Math.max(cycleSecondsMin, seconds)) }),
    ...(boards.length > 0 && { boards: boards.join(',') }),
  }
}

export function readBoardIds(text: unknown): string[] {
  if (typeof text !== 'string') return []
  return [...new Set(text.split(',').filter((one) => id.test(one)))].slice(0, boardsMax)
}

function isSet(value: unknown): boolean {
  return value === 1 || value === true || value === '1'
}
