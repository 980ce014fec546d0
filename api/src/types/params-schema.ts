import { exceedsBounds } from '@telltale/infra/json-bounds'
import type { FieldError } from '../problems.ts'
import { boundPairs, isObject, keywords, type ParamsSchema, whyRefused } from './keywords.ts'
import { compileSamples, pointer, type Sample } from './params-validator.ts'

const BYTES_MAX = 16 * 1024
const DEPTH_MAX = 8
const SCHEMAS_MAX = 200
/** Of everything in it, defaults and examples too. */
const LEVELS_MAX = 32
/** Enough to mend a schema by; the next attempt shows the rest. */
const FAULTS_MAX = 20

interface Place {
  /** Where it is, such as `body/commands/set-led/params`. */
  path: string
  /** 1 is the whole schema. */
  depth: number
}

/** What is wrong with a command's `params` as a schema; empty when nothing is. */
export function findSchemaFaults(schema: unknown, path: string): FieldError[] {
  const tooLarge = findSizeFault(schema)
  if (tooLarge) return [{ path, message: tooLarge }]
  const inspection = new Inspection()
  inspection.inspect(schema, { path, depth: 1 })
  const { faults, samples } = inspection
  if (faults.length > 0) return faults.slice(0, FAULTS_MAX)
  if ((schema as ParamsSchema).type !== 'object')
    return [{ path: `${path}/type`, message: 'must be object: params are an object of named values' }]
  // The whole schema has no value here, but is compiled with them: what fails then must not wait for a command.
  return compileSamples([{ schema: schema as ParamsSchema, values: [] }, ...samples]).slice(0, FAULTS_MAX)
}

function findSizeFault(schema: unknown): string | undefined {
  if (exceedsBounds(schema, { levelsMax: LEVELS_MAX }))
    return `must not nest deeper than ${LEVELS_MAX} levels`
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  if (bytes > BYTES_MAX) return `must have at most ${BYTES_MAX} bytes as JSON, and has ${bytes}`
  return undefined
}

/** One walk through a schema, from outside in. */
class Inspection {
  readonly faults: FieldError[] = []
  /** Values the schema itself names, each with the part it must fit. */
  readonly samples: Sample[] = []
  #schemas = 0

  inspect(schema: unknown, { path, depth }: Place): void {
    if (!isObject(schema)) return this.#fault(path, 'must be a schema: an object with a type')
    if (depth > DEPTH_MAX) return this.#fault(path, `is schema in schema ${depth} deep; at most ${DEPTH_MAX}`)
    if (++this.#schemas > SCHEMAS_MAX) {
      if (this.#schemas === SCHEMAS_MAX + 1)
        this.#fault(path, `is one schema too many; at most ${SCHEMAS_MAX} in all`)
      return
    }
    const faultsBefore = this.faults.length
    for (const [name, value] of Object.entries(schema)) this.#keyword(schema, { name, value, path })
    if (this.faults.length > faultsBefore) return
    this.#relations(schema, path)
    this.#sample(schema, path)
    this.#inside(schema, { path, depth: depth + 1 })
  }

  #keyword(
    schema: ParamsSchema,
    { name, value, path }: { name: string; value: unknown; path: string },
  ): void {
    const at = pointer(path, name)
    const keyword = keywords.get(name)
    if (!keyword) return this.#fault(at, whyRefused(name))
    if (!keyword.isRight(value)) return this.#fault(at, keyword.must)
    if (keyword.of && !keyword.of.some((type) => type === schema.type))
      this.#fault(at, `checks nothing without "type": "${keyword.of[0]}" beside it`)
  }

  #relations(schema: ParamsSchema, path: string): void {
    for (const [low, high] of boundPairs)
      if ((schema[low] ?? -Infinity) > (schema[high] ?? Infinity))
        this.#fault(`${path}/${high}`, `must not be below ${low}: no value would fit`)
    if (schema.enum && schema.oneOf) this.#fault(`${path}/oneOf`, 'use either enum or oneOf, not both')
    for (const name of schema.required ?? [])
      if (!Object.hasOwn(schema.properties ?? {}, name))
        this.#fault(`${path}/required`, `names ${JSON.stringify(name)}, which is not in properties`)
  }

  #sample(schema: ParamsSchema, path: string): void {
    const values = [
      ...('default' in schema ? [{ path: `${path}/default`, value: schema.default }] : []),
      ...(schema.enum ?? []).map((value, i) => ({ path: `${path}/enum/${i}`, value })),
      ...(schema.oneOf ?? []).map((choice, i) => ({ path: `${path}/oneOf/${i}`, value: choice.const })),
      ...(schema.const === undefined ? [] : [{ path: `${path}/const`, value: schema.const }]),
    ]
    if (values.length > 0) this.samples.push({ schema, values })
  }

  #inside(schema: ParamsSchema, { path, depth }: Place): void {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const at = pointer(`${path}/properties`, name)
      if (!isPropertyName(name)) this.#fault(at, 'cannot be the name of a property')
      else this.inspect(property, { path: at, depth })
    }
    if (schema.items) this.inspect(schema.items, { path: `${path}/items`, depth })
  }

  #fault(path: string, message: string): void {
    this.faults.push({ path, message })
  }
}

/** The validator skips `__proto__`, never misses an empty name, and fails over half a surrogate pair. */
function isPropertyName(name: string): boolean {
  return name !== '__proto__' && name !== '' && name.isWellFormed()
}
