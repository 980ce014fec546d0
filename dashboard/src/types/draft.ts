import type { DeviceType, DeviceTypeBody, MetricType, Problem, Threshold } from '@telltale/api/contract'
import { readParams } from '../commands/params.ts'
import { readNumber } from '../commands/values.ts'

/** `key` is for this screen only: names change while they are typed. */
export type ThresholdDraft = { key: number; level: Threshold['level']; above: string; below: string }

export type MetricDraft = {
  key: number
  name: string
  label: string
  unit: string
  decimals: string
  min: string
  max: string
  thresholds: ThresholdDraft[]
}

export type CommandDraft = { key: number; name: string; label: string; dangerous: boolean; params: string }

/** A type as it stands in the form: text, right or not. */
export type TypeDraft = { label: string; metrics: MetricDraft[]; commands: CommandDraft[] }

let lastKey = 0

export function newMetric(): MetricDraft {
  return {
    ...{ key: ++lastKey, name: '', label: '', unit: '', decimals: '', min: '', max: '' },
    thresholds: [],
  }
}

export function newCommand(): CommandDraft {
  return { key: ++lastKey, name: '', label: '', dangerous: false, params: '' }
}

export function newThreshold(): ThresholdDraft {
  return { key: ++lastKey, level: 'alarm', above: '', below: '' }
}

export function toDraft(type: DeviceType | null): TypeDraft {
  return {
    label: type?.label ?? '',
    metrics: Object.entries(type?.metrics ?? {}).map(([name, metric]) => ({
      ...newMetric(),
      ...{ name, label: metric.label ?? '', unit: metric.unit ?? '' },
      ...{ decimals: numberText(metric.decimals), min: numberText(metric.min), max: numberText(metric.max) },
      thresholds: (metric.thresholds ?? []).map(({ level, above, below }) => ({
        ...{ ...newThreshold(), level },
        ...{ above: numberText(above), below: numberText(below) },
      })),
    })),
    commands: Object.entries(type?.commands ?? {}).map(([name, command]) => ({
      ...newCommand(),
      ...{ name, label: command.label ?? '', dangerous: command.dangerous ?? false },
      params: command.params === undefined ? '' : JSON.stringify(command.params, null, 2),
    })),
  }
}

function numberText(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}

/** Where a sentence belongs: `label`, `metrics/{key}/unit`, `commands/{key}/params`, and such. */
export type Slots = Map<string, string>

export type DraftRead = { body: DeviceTypeBody; errors: Slots }

/** Errors of what the form itself can tell; `body` is worth sending only when there are none. */
export function readTypeDraft(draft: TypeDraft): DraftRead {
  const errors: Slots = new Map()
  const metrics = namedRows(draft.metrics, 'metrics', errors).map(
    (metric) => [metric.name.trim(), readMetric(metric, errors)] as const,
  )
  const commands = namedRows(draft.commands, 'commands', errors).map(
    (command) => [command.name.trim(), readCommand(command, errors)] as const,
  )
  return {
    body: {
      ...(draft.label.trim() !== '' && { label: draft.label.trim() }),
      metrics: Object.fromEntries(metrics),
      commands: Object.fromEntries(commands),
    },
    errors,
  }
}

/** Rows nobody has written into are not there. */
function namedRows<T extends MetricDraft | CommandDraft>(rows: T[], part: string, errors: Slots): T[] {
  const names = new Set<string>()
  return rows.filter((row) => {
    const name = row.name.trim()
    if (name === '') {
      const { key, ...values } = row
      const written = Object.values(values).some((value) => typeof value !== 'object' && Boolean(value))
      if (written) errors.set(`${part}/${key}/name`, 'Needs a name.')
      return false
    }
    if (names.has(name)) errors.set(`${part}/${row.key}/name`, 'There are two of that name.')
    names.add(name)
    return true
  })
}

function readMetric(metric: MetricDraft, errors: Slots): MetricType {
  const number = (text: string, slot: string) => {
    const value = readNumber(text)
    if (typeof value === 'string') errors.set(`metrics/${metric.key}/${slot}`, 'Must be a number.')
    return typeof value === 'number' ? value : undefined
  }
  const decimals = number(metric.decimals, 'decimals')
  if (decimals !== undefined && !(Number.isInteger(decimals) && decimals >= 0 && decimals <= 10))
    errors.set(`metrics/${metric.key}/decimals`, '0 to 10.')
  const thresholds = metric.thresholds.map((one): Threshold => {
    const slot = `thresholds/${one.key}`
    const above = number(one.above, slot)
    const below = number(one.below, slot)
    if (above === undefined && below === undefined)
      errors.set(`metrics/${metric.key}/${slot}`, 'Say above or below which number.')
    return { level: one.level, ...given('above', above), ...given('below', below) }
  })
  const min = number(metric.min, 'min')
  const max = number(metric.max, 'max')
  if (min !== undefined && max !== undefined && min >= max)
    errors.set(`metrics/${metric.key}/max`, 'Must be above where the axis begins.')
  return {
    ...(metric.label.trim() !== '' && { label: metric.label.trim() }),
    ...(metric.unit.trim() !== '' && { unit: metric.unit.trim() }),
    ...given('decimals', decimals),
    ...given('min', min),
    ...given('max', max),
    ...(thresholds.length > 0 && { thresholds }),
  }
}

function readCommand(command: CommandDraft, errors: Slots): NonNullable<DeviceTypeBody['commands']>[string] {
  const read = readParams(command.params)
  if (!read.ok) errors.set(`commands/${command.key}/params`, read.message)
  return {
    ...(command.label.trim() !== '' && { label: command.label.trim() }),
    ...(command.dangerous && { dangerous: true }),
    ...(read.ok && read.params !== undefined && { params: read.params }),
  }
}

function given<K extends string>(key: K, value: number | undefined): { [key in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: number })
}

/** What the server found, at the fields it is about. `rest`: about nothing on this screen. */
export function placeTypeErrors(
  errors: NonNullable<Problem['errors']>,
  draft: TypeDraft,
): { slots: Slots; rest: string[] } {
  const slots: Slots = new Map()
  const rest: string[] = []
  for (const { path, message } of errors) {
    const steps = path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    const slot = slotOf(steps, draft)
    if (slot === null) rest.push(`${path.replace(/^body\//, '')}: ${message}`)
    else slots.set(slot.at, [slots.get(slot.at), slot.inside + message].filter(Boolean).join('\n'))
  }
  return { slots, rest }
}

function slotOf(
  [root, part = '', name, field = '', ...inside]: string[],
  draft: TypeDraft,
): { at: string; inside: string } | null {
  if (root !== 'body') return null
  if (part === 'label') return { at: part, inside: '' }
  if (part !== 'metrics' && part !== 'commands') return null
  const row = draft[part].find((one) => one.name.trim() === name)
  if (row === undefined) return null
  if (field === 'thresholds' && 'thresholds' in row) {
    const threshold = row.thresholds[Number(inside[0])]
    return threshold === undefined
      ? { at: `${part}/${row.key}/name`, inside: 'thresholds: ' }
      : { at: `${part}/${row.key}/thresholds/${threshold.key}`, inside: '' }
  }
  const where = inside.length === 0 ? '' : `${inside.join(' › ')}: `
  return { at: `${part}/${row.key}/${field === '' ? 'name' : field}`, inside: where }
}
