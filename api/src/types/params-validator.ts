import { exceedsBounds } from '@telltale/infra/json-bounds'
import { Ajv, type DefinedError, type Options, type ValidateFunction } from 'ajv'
import type { FieldError } from '../problems.ts'
import type { ParamsSchema, Scalar } from './keywords.ts'

const OPTIONS: Options = {
  strict: true,
  strictRequired: true,
  // What every object inherits is not a parameter.
  ownProperties: true,
  // 0.3 is a multiple of 0.1: millionths of a step come from binary fractions, not from people.
  multipleOfPrecision: 6,
  // Schemas were checked keyword by keyword (params-schema.ts).
  meta: false,
  validateSchema: false,
  validateFormats: false,
  logger: false,
  // Twice as fast to compile, and no slower to run on what people send.
  code: { optimize: false },
}
const ERRORS_MAX = 20
/** Params with more values get the first error only: to list all would make one for each of many thousand values. */
const VALUES_LISTED_MAX = 500
const CHOICES_SHOWN_MAX = 10

export interface ParamsCheck {
  fits: (params: unknown) => boolean
  /** What is wrong with the params; empty when they fit. Compiles once more for the first that do not. */
  faults: (params: unknown, path: string) => FieldError[]
}

/** Each compilation has an instance of its own: ajv keeps what it has compiled for as long as it lives. */
export function compileParamsSchema(schema: ParamsSchema): ParamsCheck {
  const plain = toPlain(schema)
  const findFirst = new Ajv(OPTIONS).compile(plain)
  let findAll: ValidateFunction | undefined
  const faults = (params: unknown, path: string) => {
    if (findFirst(params)) return []
    if (exceedsBounds(params, { valuesMax: VALUES_LISTED_MAX })) return toFieldErrors(findFirst, path)
    findAll ??= new Ajv({ ...OPTIONS, allErrors: true }).compile(plain)
    findAll(params)
    return toFieldErrors(findAll, path)
  }
  return { fits: (params) => findFirst(params), faults }
}

/** Values that a schema names itself, such as its default, and where it does. */
export interface Sample {
  schema: ParamsSchema
  values: { path: string; value: unknown }[]
}

/** Which of the values do not fit their own schema. All of them in one compilation. */
export function compileSamples(samples: Sample[]): FieldError[] {
  const lists = samples.map(({ schema }, i) => [i, { type: 'array', items: toPlain(schema) }] as const)
  const values = samples.map((sample, i) => [i, sample.values.map(({ value }) => value)] as const)
  const check = new Ajv({ ...OPTIONS, allErrors: true }).compile({
    type: 'object',
    properties: Object.fromEntries(lists),
  })
  check(Object.fromEntries(values))
  const faults = new Map<string, FieldError>()
  for (const { instancePath, message } of check.errors ?? []) {
    const [, list, place, inside = ''] = /^\/(\d+)\/(\d+)(\/.*)?$/s.exec(instancePath) ?? []
    const path = samples[Number(list)]?.values[Number(place)]?.path ?? ''
    const where = inside && ` at ${inside}`
    if (!faults.has(path))
      faults.set(path, { path, message: `does not fit its own schema: ${message}${where}` })
  }
  return [...faults.values()]
}

/** A JSON pointer, one step further. */
export function pointer(path: string, key: string): string {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** Without what is for people only; titled choices are an enum to a validator. */
function toPlain(schema: ParamsSchema): object {
  const { title, description, default: _, examples, oneOf, properties, items, ...plain } = schema
  return {
    ...plain,
    ...(oneOf && { enum: oneOf.map((choice) => choice.const) }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, toPlain(one)])),
    }),
    ...(items && { items: toPlain(items) }),
  }
}

/** One entry per path, the first error found. */
function toFieldErrors({ errors }: ValidateFunction, path: string): FieldError[] {
  const byPath = new Map<string, FieldError>()
  for (const error of (errors ?? []) as DefinedError[]) {
    const found = toFieldError(error, path)
    if (!byPath.has(found.path)) byPath.set(found.path, found)
    if (byPath.size === ERRORS_MAX) break
  }
  return [...byPath.values()]
}

/** What is missing or not known is said at its own place, where a form has a field for it. */
function toFieldError(error: DefinedError, root: string): FieldError {
  const path = root + error.instancePath
  switch (error.keyword) {
    case 'required':
      return { path: pointer(path, error.params.missingProperty), message: 'is required' }
    case 'additionalProperties':
      return { path: pointer(path, error.params.additionalProperty), message: 'is not a known field' }
    case 'enum':
      return { path, message: `must be ${listChoices(error.params.allowedValues as Scalar[])}` }
    case 'const':
      return { path, message: `must be ${JSON.stringify(error.params.allowedValue)}` }
    default:
      return { path, message: error.message ?? 'is not valid' }
  }
}

function listChoices(choices: Scalar[]): string {
  const shown = choices.slice(0, CHOICES_SHOWN_MAX).map((choice) => JSON.stringify(choice))
  return `one of ${shown.join(', ')}${choices.length > shown.length ? ' …' : ''}`
}
