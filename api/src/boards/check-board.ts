import { exceedsBounds } from '@telltale/infra/json-bounds'
import { limits } from '@telltale/infra/limits'
import type { Board, Panel } from '../contract/index.ts'
import { type FieldError, ProblemError } from '../problems.ts'

const LEVELS_MAX = 32

/**
 * What the shape of the body does not say: ranges that have a length, panels that can be told apart, and the size of
 * the whole.
 * @throws ProblemError too_deep, unstorable_text, or invalid_board with where and what
 */
export function checkBoard({ name, range, panels }: Pick<Board, 'name' | 'range' | 'panels'>): void {
  if (!name.isWellFormed()) throw new ProblemError('unstorable_text')
  if (exceedsBounds(panels, { levelsMax: LEVELS_MAX })) throw new ProblemError('too_deep')
  const fields = [...findRangeFaults(range), ...findRepeatedIds(panels), ...panels.flatMap(findPanelFaults)]
  const bytes = Buffer.byteLength(JSON.stringify(panels))
  const bytesMax = limits.boards.panelsBytesMax
  if (bytes > bytesMax)
    fields.push({ path: 'body/panels', message: `must not be larger than ${bytesMax / 1024} KiB of JSON` })
  if (fields.length > 0) throw new ProblemError('invalid_board', { fields })
}

function findRangeFaults(range: Board['range']): FieldError[] {
  const isEmpty = range.kind === 'fixed' && range.from >= range.to
  return isEmpty ? [{ path: 'body/range/to', message: 'must be after from' }] : []
}

function findRepeatedIds(panels: readonly Panel[]): FieldError[] {
  const seen = new Set<string>()
  return panels.flatMap(({ id }, i) => {
    if (!seen.has(id)) {
      seen.add(id)
      return []
    }
    return [{ path: `body/panels/${i}/id`, message: 'must differ from the ids of the other panels' }]
  })
}

function findPanelFaults(panel: Panel, i: number): FieldError[] {
  const path = `body/panels/${i}`
  if (panel.kind === 'gauge') {
    const isEmpty = panel.min !== undefined && panel.max !== undefined && panel.min >= panel.max
    return isEmpty ? [{ path: `${path}/max`, message: 'must be above min' }] : []
  }
  if (panel.kind === 'positions') {
    const isClear = (panel.devices === undefined) !== (panel.tag === undefined)
    return isClear ? [] : [{ path, message: 'must have either devices or a tag' }]
  }
  return []
}
