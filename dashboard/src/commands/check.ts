import { formatNumber } from '../ui/format.ts'
import { type Field, isMembers, type NumberKind } from './schema.ts'
import { type Path, pointerOf } from './values.ts'

/** `at` is a JSON pointer into the params; empty is the whole. */
export type ParamsError = { at: string; message: string }

/** Small and plain, to help while typing. The server has the last word. */
export function checkParams(field: Field, params: unknown, path: Path = []): ParamsError[] {
  const here = (message: string | null) => (message === null ? [] : [{ at: pointerOf(path), message }])
  if (params === undefined || isGap(field, params)) return here(field.required ? 'Needed.' : null)
  switch (field.kind) {
    case 'boolean':
      return here(typeof params === 'boolean' ? null : 'Must be yes or no.')
    case 'number':
      return here(numberError(field, params))
    case 'text':
      return here(textError(field, params))
    case 'choice':
      return here(field.options.some(({ value }) => same(value, params)) ? null : 'Must be one of the list.')
    case 'group':
      return isMembers(params) ? groupErrors(field, params, path) : here('Must be an object.')
    case 'list':
      return Array.isArray(params)
        ? [
            ...here(listError(field, params)),
            ...params.flatMap((item, place) => checkParams(field.item, item, [...path, place])),
          ]
        : here('Must be a list.')
    case 'json':
      return []
  }
}

/** Null is what a list holds where nothing is filled in yet; elsewhere it may be the very value asked for. */
function isGap(field: Field, params: unknown): boolean {
  if (params !== null || !field.required) return false
  if (field.kind === 'choice') return field.options.every(({ value }) => value !== null)
  return field.kind !== 'json'
}

type Kind<K extends Field['kind']> = Extract<Field, { kind: K }>

function groupErrors(field: Kind<'group'>, params: Record<string, unknown>, path: Path): ParamsError[] {
  const errors = field.fields.flatMap((one) =>
    checkParams(one, Object.hasOwn(params, one.key) ? params[one.key] : undefined, [...path, one.key]),
  )
  if (!field.closed) return errors
  const unknown = Object.keys(params).filter((key) => !field.fields.some((one) => one.key === key))
  return [...errors, ...unknown.map((key) => ({ at: pointerOf(path), message: `“${key}” is not known.` }))]
}

function numberError(field: NumberKind, value: unknown): string | null {
  if (typeof value !== 'number') return 'Must be a number.'
  const { min, max, above, below, step } = field
  if (field.integer && !Number.isInteger(value)) return 'Must be a whole number.'
  if (min !== undefined && value < min) return `At least ${formatNumber(min)}.`
  if (max !== undefined && value > max) return `At most ${formatNumber(max)}.`
  if (above !== undefined && value <= above) return `Must be above ${formatNumber(above)}.`
  if (below !== undefined && value >= below) return `Must be below ${formatNumber(below)}.`
  if (step !== undefined && !isMultiple(value, step)) return `In steps of ${formatNumber(step)}.`
  return null
}

/** Floating point: 0.3 is three steps of 0.1. */
function isMultiple(value: number, step: number): boolean {
  const steps = value / step
  return Math.abs(steps - Math.round(steps)) < 1e-9 * Math.max(1, Math.abs(steps))
}

function textError(field: Kind<'text'>, value: unknown): string | null {
  if (typeof value !== 'string') return 'Must be text.'
  const length = [...value].length
  const { lengthMin, lengthMax } = field
  if (lengthMin !== undefined && length < lengthMin) return `At least ${characters(lengthMin)}.`
  if (lengthMax !== undefined && length > lengthMax) return `At most ${characters(lengthMax)}.`
  return null
}

function characters(count: number): string {
  return count === 1 ? '1 character' : `${count} characters`
}

function listError(field: Kind<'list'>, items: readonly unknown[]): string | null {
  const { itemsMin, itemsMax } = field
  if (itemsMin !== undefined && items.length < itemsMin) return `At least ${itemsMin}.`
  if (itemsMax !== undefined && items.length > itemsMax) return `At most ${itemsMax}.`
  return null
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** What a field takes, said before anybody gets it wrong. */
export function rangeWords(field: NumberKind): string {
  const { min, max, above, below, step } = field
  const words: string[] = field.integer ? ['whole number'] : []
  if (min !== undefined && max !== undefined) words.push(`${formatNumber(min)} to ${formatNumber(max)}`)
  else if (min !== undefined) words.push(`at least ${formatNumber(min)}`)
  else if (max !== undefined) words.push(`at most ${formatNumber(max)}`)
  if (above !== undefined) words.push(`above ${formatNumber(above)}`)
  if (below !== undefined) words.push(`below ${formatNumber(below)}`)
  if (step !== undefined && step !== 1) words.push(`steps of ${formatNumber(step)}`)
  return words.join(', ')
}
