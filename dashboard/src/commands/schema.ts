/** One value a command is asked for. */
export type Field = {
  key: string
  label: string
  description: string
  required: boolean
  /** What the schema proposes; undefined when it proposes nothing. */
  initial: unknown
} & FieldKind

export type FieldKind =
  | { kind: 'boolean' }
  | NumberKind
  | { kind: 'text'; lengthMin?: number; lengthMax?: number }
  | { kind: 'choice'; options: Option[] }
  /** `closed`: nothing but its own fields. */
  | { kind: 'group'; fields: Field[]; closed: boolean }
  | { kind: 'list'; item: Field; itemsMin?: number; itemsMax?: number }
  /** More than a form can show: written as JSON, judged by the server. */
  | { kind: 'json' }

export type NumberKind = {
  kind: 'number'
  integer: boolean
  min?: number
  max?: number
  above?: number
  below?: number
  step?: number
}

export type Option = { value: unknown; label: string }

type Members = Record<string, unknown>

/** What a form understands (docs/SPEC.md, Device types). One that ignored a keyword would promise what is refused. */
const known = new Set([
  ...['type', 'title', 'description', 'default', 'examples', 'enum', 'const', 'oneOf'],
  ...['properties', 'required', 'additionalProperties', 'items', 'minItems', 'maxItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
])
const groupsMax = 4

/** A JSON Schema as a tree of fields. What is not understood becomes a `json` field, never a wrong one. */
export function readField(schema: unknown): Field {
  return fieldOf(schema, { key: '', required: true, depth: 0 })
}

type Place = { key: string; required: boolean; depth: number }

function fieldOf(schema: unknown, place: Place): Field {
  const members = isMembers(schema) ? schema : {}
  return {
    key: place.key,
    label: text(members.title) || place.key,
    description: text(members.description),
    required: place.required,
    initial: members.default,
    ...kindOf(members, place),
  }
}

function kindOf(schema: Members, place: Place): FieldKind {
  if (Object.keys(schema).some((keyword) => !known.has(keyword))) return { kind: 'json' }
  const options = optionsOf(schema)
  if (options !== null) return { kind: 'choice', options }
  if ('oneOf' in schema) return { kind: 'json' }
  switch (schema.type) {
    case 'boolean':
      return { kind: 'boolean' }
    case 'integer':
    case 'number':
      return numberKind(schema)
    case 'string':
      return textKind(schema)
    case 'array':
      return listKind(schema, place)
    case 'object':
      return groupKind(schema, place)
    default:
      return { kind: 'json' }
  }
}

/** `enum`, `const`, and the `oneOf` of constants that gives each choice a title. */
function optionsOf(schema: Members): Option[] | null {
  if ('const' in schema) return [optionOf(schema)]
  if (Array.isArray(schema.enum)) return schema.enum.map((value: unknown) => optionOf({ const: value }))
  const several = schema.oneOf
  if (!Array.isArray(several) || several.length === 0) return null
  const constants = several.filter((one): one is Members => isMembers(one) && 'const' in one)
  return constants.length === several.length ? constants.map(optionOf) : null
}

function optionOf(schema: Members): Option {
  const { const: value, title } = schema
  return { value, label: text(title) || (typeof value === 'string' ? value : JSON.stringify(value)) }
}

function numberKind(schema: Members): NumberKind {
  return {
    kind: 'number',
    integer: schema.type === 'integer',
    ...given('min', schema.minimum),
    ...given('max', schema.maximum),
    ...given('above', schema.exclusiveMinimum),
    ...given('below', schema.exclusiveMaximum),
    ...given('step', schema.multipleOf),
  }
}

function textKind(schema: Members): FieldKind {
  return {
    kind: 'text',
    ...given('lengthMin', schema.minLength),
    ...given('lengthMax', schema.maxLength),
  }
}

function listKind(schema: Members, place: Place): FieldKind {
  const item = fieldOf(schema.items, { key: place.key, required: true, depth: place.depth + 1 })
  if (item.kind === 'group' || item.kind === 'list' || item.kind === 'json') return { kind: 'json' }
  return {
    kind: 'list',
    item,
    ...given('itemsMin', schema.minItems),
    ...given('itemsMax', schema.maxItems),
  }
}

function groupKind(schema: Members, { depth }: Place): FieldKind {
  const properties = isMembers(schema.properties) ? Object.entries(schema.properties) : []
  const closed = schema.additionalProperties === false
  // An object of anything has no fields to show, and deep ones would be a ladder to the right.
  if (depth > 0 && ((properties.length === 0 && !closed) || depth >= groupsMax)) return { kind: 'json' }
  const required = Array.isArray(schema.required) ? schema.required : []
  const fields = properties.map(([key, one]) =>
    fieldOf(one, { key, required: required.includes(key), depth: depth + 1 }),
  )
  return { kind: 'group', fields, closed }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function given<K extends string>(key: K, value: unknown): { [key in K]?: number } {
  return typeof value === 'number' ? ({ [key]: value } as { [key in K]?: number }) : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
