/** The JSON types a schema may ask for, by the keyword's own name. */
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const
type JsonType = (typeof TYPES)[number]

export type Scalar = string | number | boolean | null

/** What is left of JSON Schema (draft 7 and 2020-12 read it alike): docs/SPEC.md, Device types. */
export interface ParamsSchema {
  type?: JsonType
  title?: string
  description?: string
  default?: unknown
  examples?: unknown[]
  properties?: Record<string, ParamsSchema>
  required?: string[]
  additionalProperties?: boolean
  items?: ParamsSchema
  minItems?: number
  maxItems?: number
  enum?: Scalar[]
  const?: Scalar
  oneOf?: { const: Scalar; title: string }[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  minLength?: number
  maxLength?: number
}

interface Keyword {
  isRight: (value: unknown) => boolean
  /** Said of a value that is not. */
  must: string
  /** The types it says something about. Elsewhere it would silently check nothing. */
  of?: readonly JsonType[]
}

/** Enough for a list of time zones; few enough to compare every element of a long array with. */
const CHOICES_MAX = 500
const LENGTH_MAX = 2 ** 31 - 1

const NUMBERS = ['number', 'integer'] as const
const text: Keyword = { isRight: isText, must: 'must be text' }
const number: Keyword = { isRight: Number.isFinite, must: 'must be a number', of: NUMBERS }
const length = { isRight: isLength, must: 'must be a whole number, 0 or more' }

/** A map: which keyword a schema uses is data. */
export const keywords: ReadonlyMap<string, Keyword> = new Map(
  Object.entries({
    type: { isRight: isType, must: `must be one of ${TYPES.join(', ')}` },
    title: text,
    description: text,
    default: { isRight: () => true, must: '' },
    examples: { isRight: Array.isArray, must: 'must be a list' },
    properties: { isRight: isObject, must: 'must be an object of schemas', of: ['object'] },
    required: { isRight: isNames, must: 'must be a list of names, each once', of: ['object'] },
    additionalProperties: { isRight: isBoolean, must: 'must be true or false', of: ['object'] },
    items: { isRight: isObject, must: 'must be one schema, for every item', of: ['array'] },
    minItems: { ...length, of: ['array'] },
    maxItems: { ...length, of: ['array'] },
    enum: { isRight: isChoices, must: `must be a list of 1 to ${CHOICES_MAX} plain values, each once` },
    const: { isRight: isScalar, must: 'must be text, a number, true, false or null' },
    oneOf: { isRight: isTitledChoices, must: 'must be a list of { const, title }, each const once' },
    minimum: number,
    maximum: number,
    exclusiveMinimum: number,
    exclusiveMaximum: number,
    multipleOf: { isRight: isPositive, must: 'must be a number above 0', of: NUMBERS },
    minLength: { ...length, of: ['string'] },
    maxLength: { ...length, of: ['string'] },
  } satisfies Record<string, Keyword>),
)

/** A pair of bounds that leaves no value between them is a slip. */
export const boundPairs = [
  ['minimum', 'maximum'],
  ['minItems', 'maxItems'],
  ['minLength', 'maxLength'],
] as const

const REFERENCES = 'references are not followed; write the schema out in place'
const PATTERNS = 'a pattern can take for ever to match; use enum, minLength and maxLength'
const CONDITIONS = 'a form cannot show it; describe one plain object, and let the device check the rest'
const LISTS = 'describe every item with one schema in items'
const COUNTS = 'use properties, required and additionalProperties'

/** Why not, and what instead, for what JSON Schema has and this does not. */
const refused: ReadonlyMap<string, string> = new Map(
  Object.entries({
    $schema: 'the keywords are the same in draft 7 and 2020-12; leave it out',
    $id: REFERENCES,
    $anchor: REFERENCES,
    $ref: REFERENCES,
    $dynamicRef: REFERENCES,
    $dynamicAnchor: REFERENCES,
    $defs: REFERENCES,
    definitions: REFERENCES,
    pattern: PATTERNS,
    patternProperties: PATTERNS,
    propertyNames: PATTERNS,
    format: 'validators disagree about formats; say it in description, and let the device check it',
    uniqueItems: 'comparing every pair of items takes too long; let the device check it',
    allOf: CONDITIONS,
    anyOf: `${CONDITIONS}; for a choice use enum, or oneOf with { const, title }`,
    not: CONDITIONS,
    if: CONDITIONS,
    // biome-ignore lint/suspicious/noThenProperty: the keyword is called so
    then: CONDITIONS,
    else: CONDITIONS,
    dependencies: CONDITIONS,
    dependentRequired: CONDITIONS,
    dependentSchemas: CONDITIONS,
    prefixItems: LISTS,
    additionalItems: LISTS,
    unevaluatedItems: LISTS,
    contains: LISTS,
    minContains: LISTS,
    maxContains: LISTS,
    minProperties: COUNTS,
    maxProperties: COUNTS,
    unevaluatedProperties: COUNTS,
  }),
)

export function whyRefused(keyword: string): string {
  const why = refused.get(keyword) ?? `use ${[...keywords.keys()].join(', ')}`
  return `is not a keyword of these schemas: ${why}`
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isType(value: unknown): value is JsonType {
  return TYPES.includes(value as JsonType)
}

function isLength(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LENGTH_MAX
}

function isPositive(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) > 0
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText) && isSet(value)
}

/** Only plain values: how two objects compare is not obvious, and nobody chooses one from a list. */
function isScalar(value: unknown): value is Scalar {
  return value === null || isText(value) || isBoolean(value) || Number.isFinite(value)
}

function isChoices(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= CHOICES_MAX &&
    value.every(isScalar) &&
    isSet(value)
  )
}

function isTitledChoices(value: unknown): boolean {
  return Array.isArray(value) && value.every(isTitledChoice) && isChoices(value.map((choice) => choice.const))
}

function isTitledChoice(value: unknown): value is { const: Scalar; title: string } {
  if (!isObject(value) || Object.keys(value).some((key) => key !== 'const' && key !== 'title')) return false
  return isScalar(value.const) && isText(value.title)
}

function isSet(values: unknown[]): boolean {
  return new Set(values).size === values.length
}
