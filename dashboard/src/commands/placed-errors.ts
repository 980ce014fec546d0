import type { Problem } from '@telltale/api/contract'
import type { ParamsError } from './check.ts'
import type { Field } from './schema.ts'
import { type Path, pointerOf } from './values.ts'

type ServerError = NonNullable<Problem['errors']>[number]

/** `byField`: pointer of a field that is on the screen. `rest`: sentences that belong to none. */
export type PlacedErrors = { byField: Map<string, string>; rest: string[] }

/** The server names places as `body/params/level`; only what is about the params has a pointer into them. */
export function paramsErrors(errors: readonly ServerError[]): { params: ParamsError[]; others: string[] } {
  const params: ParamsError[] = []
  const others: string[] = []
  for (const { path, message } of errors) {
    const [, inside] = /^body\/params(\/.*)?$/s.exec(path) ?? [null, null]
    if (inside === null) others.push(message)
    else params.push({ at: inside ?? '', message: sentence(message) })
  }
  return { params, others }
}

/** Each at its field, or at the nearest one around it. One message for a field: the first is what to mend first. */
export function placeErrors(field: Field, errors: readonly ParamsError[], params: unknown): PlacedErrors {
  const known = shownPointers(field, params)
  const placed: PlacedErrors = { byField: new Map(), rest: [] }
  for (const { at, message } of errors) {
    const home = nearest(at, known)
    if (home === null) placed.rest.push(at === '' ? message : `${at.slice(1)}: ${message}`)
    else if (!placed.byField.has(home))
      placed.byField.set(home, home === at ? message : `${at.slice(home.length + 1)}: ${message}`)
  }
  return placed
}

function nearest(at: string, known: ReadonlySet<string>): string | null {
  for (let pointer = at; ; pointer = pointer.slice(0, pointer.lastIndexOf('/'))) {
    if (known.has(pointer)) return pointer
    if (pointer === '') return null
  }
}

/** The root of a form is not a field of its own, unless it is all there is. */
function shownPointers(field: Field, params: unknown): Set<string> {
  const pointers = new Set<string>()
  const walk = (one: Field, value: unknown, path: Path) => {
    if (path.length > 0 || one.kind !== 'group') pointers.add(pointerOf(path))
    if (one.kind === 'group')
      for (const child of one.fields) walk(child, member(value, child.key), [...path, child.key])
    if (one.kind === 'list' && Array.isArray(value))
      for (const place of value.keys()) walk(one.item, value[place], [...path, place])
  }
  walk(field, params, [])
  return pointers
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined
}

/** Validators write "must be <= 100"; a person reads a sentence. */
function sentence(message: string): string {
  const capital = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}
