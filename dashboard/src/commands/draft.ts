import type { CommandType } from '@telltale/api/contract'
import { checkParams, type ParamsError } from './check.ts'
import { readParams } from './params.ts'
import { type Field, readField } from './schema.ts'
import { initialParams, type Path, paramsText, pointerOf, withValue } from './values.ts'

export type Commands = Record<string, CommandType>

/** `named`: of the device type. `other`: any name, typed. */
export type Choice = { kind: 'none' } | { kind: 'named'; name: string } | { kind: 'other'; name: string }

/**
 * A command being written. The text is the only truth about its params: the form reads and writes it,
 * so form and JSON cannot disagree.
 */
export type CommandDraft = {
  choice: Choice
  text: string
  tab: 'form' | 'json'
  /** Pointers of the fields somebody has changed: only these complain before Send is pressed. */
  touched: ReadonlySet<string>
  pressed: boolean
}

const blank = { text: '', tab: 'form', touched: new Set<string>(), pressed: false } as const

/** With one command there is nothing to choose; with several, none is a press away by accident. */
export function newDraft(commands: Commands): CommandDraft {
  const names = Object.keys(commands)
  const [only] = names
  if (only === undefined) return { ...blank, choice: { kind: 'other', name: '' } }
  return names.length === 1
    ? choose({ kind: 'named', name: only }, commands)
    : { ...blank, choice: { kind: 'none' } }
}

export function choose(choice: Choice, commands: Commands): CommandDraft {
  const field = choice.kind === 'named' ? fieldOf(choice.name, commands) : null
  return { ...blank, choice, text: field === null ? '' : paramsText(initialParams(field)) }
}

/** Null: nothing is known about the params, so they are written as JSON. */
export function draftField(draft: CommandDraft, commands: Commands): Field | null {
  return draft.choice.kind === 'named' ? fieldOf(draft.choice.name, commands) : null
}

function fieldOf(name: string, commands: Commands): Field | null {
  const schema = commandOf(name, commands)?.params
  return schema === undefined || schema === null ? null : readField(schema)
}

export function commandOf(name: string, commands: Commands): CommandType | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined
}

/** What people call it; its own name where nobody gave it another. */
export function calledOf(name: string, commands: Commands): string {
  return commandOf(name, commands)?.label ?? name
}

export function withField(
  draft: CommandDraft,
  path: Path,
  change: { root: Field; value: unknown },
): CommandDraft {
  const read = readParams(draft.text)
  const params = withValue(read.ok ? read.params : undefined, path, {
    field: change.root,
    value: change.value,
  })
  return { ...draft, text: paramsText(params), touched: new Set([...draft.touched, pointerOf(path)]) }
}

export type DraftRead = {
  name: string
  params: unknown
  /** Of the JSON itself. */
  jsonError: string | null
  errors: ParamsError[]
  /** Those to show now: nobody is told off for a field they have not reached yet. */
  shown: ParamsError[]
}

export function readDraft(draft: CommandDraft, commands: Commands): DraftRead {
  const field = draftField(draft, commands)
  const read = readParams(draft.text)
  const params = read.ok ? read.params : undefined
  const errors = read.ok && field !== null ? checkParams(field, params) : []
  const all = draft.pressed || draft.tab === 'json'
  return {
    name: draft.choice.kind === 'none' ? '' : draft.choice.name.trim(),
    params,
    jsonError: read.ok ? null : read.message,
    errors,
    shown: all ? errors : errors.filter(({ at }) => [...draft.touched].some((one) => isInside(at, one))),
  }
}

function isInside(at: string, pointer: string): boolean {
  return at === pointer || at.startsWith(`${pointer}/`)
}
