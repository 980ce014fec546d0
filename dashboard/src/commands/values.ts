import { type Field, isMembers } from './schema.ts'

/** From the params down: names of members, places in a list. */
export type Path = readonly (string | number)[]

/** RFC 6901, so a name with a slash in it is still one step. */
export function pointerOf(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** What the schema proposes, before anybody has typed. Undefined: nothing. */
export function initialParams(field: Field): unknown {
  if (field.initial !== undefined) return field.initial
  if (field.kind === 'group') {
    const members = field.fields
      .map((one) => [one.key, initialParams(one)] as const)
      .filter(([, value]) => value !== undefined)
    return members.length > 0 || field.required ? Object.fromEntries(members) : undefined
  }
  if (field.kind === 'list') return field.required ? [] : undefined
  // Where only one value is possible there is nothing to choose.
  if (field.kind === 'choice' && field.required && field.options.length === 1) return field.options[0]?.value
  return undefined
}

export function valueAt(params: unknown, path: Path): unknown {
  let value = params
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

/**
 * The params with one value changed; all others stay as they are, also those the form does not show.
 * Undefined removes it, and with it an optional group that is empty then.
 */
export function withValue(params: unknown, path: Path, change: { field: Field; value: unknown }): unknown {
  const { field, value } = change
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof step === 'number') {
    const items = Array.isArray(params) ? [...params] : []
    // A list has no holes: what is not filled in yet is null, which no check lets pass.
    items[step] = value ?? null
    return items
  }
  const members = isMembers(params) ? params : {}
  const child = field.kind === 'group' ? field.fields.find(({ key }) => key === step) : undefined
  const next = child
    ? withValue(valueAt(members, [step]), rest, { field: child, value })
    : rest.length === 0
      ? value
      : undefined
  const emptied = child?.kind === 'group' && !child.required && isMembers(next) && isEmpty(next)
  const others = Object.entries(members)
  if (next === undefined || emptied) return Object.fromEntries(others.filter(([key]) => key !== step))
  if (!Object.hasOwn(members, step)) return Object.fromEntries([...others, [step, next]])
  return Object.fromEntries(others.map(([key, old]) => [key, key === step ? next : old]))
}

function isEmpty(members: Record<string, unknown>): boolean {
  return Object.keys(members).length === 0
}

/** What a person typed for a number. Not a number yet: kept as the text it is, so that nothing typed is lost. */
export function readNumber(typed: string): number | string | undefined {
  const text = typed.trim().replace('−', '-')
  if (text === '') return undefined
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(value) ? value : text
}

/** `1.` and `1.50` stay as typed while they mean the value that is there. */
export function shownNumber(typed: string, value: unknown): string {
  if (readNumber(typed) === value) return typed
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** An arrow key: to the next step, inside the bounds. */
export function steppedNumber(field: Extract<Field, { kind: 'number' }>, value: unknown, by: 1 | -1): number {
  const step = field.step ?? 1
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = field
  const start = typeof value === 'number' ? value + by * step : Math.max(min, Math.min(max, 0))
  // Ten decimals: 0.1 + 0.2 is 0.3 for whoever presses the key.
  return Math.max(min, Math.min(max, Number(start.toFixed(10))))
}

export function paramsText(params: unknown): string {
  return params === undefined ? '' : JSON.stringify(params, null, 2)
}
