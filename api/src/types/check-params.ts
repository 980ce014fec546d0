import { exceedsBounds } from '@telltale/infra/json-bounds'
import type { CommandCheck } from '@telltale/infra/storage/commands'
import { findParamsSchema } from '@telltale/infra/storage/device-types'
import { ProblemError } from '../problems.ts'
import { ParamsChecks } from './params-checks.ts'

const LEVELS_MAX = 32

/** One for the process: what is in it depends on nothing but its own keys. */
const checks = new ParamsChecks()

/** @throws ProblemError too_deep */
export function checkDepth(params: unknown): void {
  if (exceedsBounds(params, { levelsMax: LEVELS_MAX })) throw new ProblemError('too_deep')
}

/** Leaves the transaction with a schema that is yet to be compiled, or that the params do not fit. */
class OpenQuestion extends Error {
  readonly schema: string

  constructor(schema: string) {
    super('params are not checked yet')
    this.schema = schema
  }
}

/**
 * Params must fit the schema that the device's type has for the command; what no type describes passes unchecked. For
 * new commands only: one that is there already is what its type allowed then. The schema is read in the transaction
 * that inserts the command. To compile it, or to list what is wrong, takes up to 100 ms: that is done outside, while
 * nobody waits for the device's row, and the insertion is begun again.
 * @param insert is called again whenever the type turns out to have another schema than before
 * @throws ProblemError invalid_params with what is wrong
 */
export async function withParamsChecked<T>(
  { name, params = {} }: { name: string; params?: unknown },
  insert: (check: CommandCheck) => Promise<T>,
): Promise<T> {
  let fitting: string | undefined
  for (;;) {
    try {
      return await insert(async ({ type }, db) => {
        const schema = type === null ? undefined : await findParamsSchema(db, { deviceType: type, name })
        if (schema === undefined || schema === fitting || checks.isKnownToFit(schema, params)) return
        throw new OpenQuestion(schema)
      })
    } catch (error) {
      if (!(error instanceof OpenQuestion)) throw error
      const fields = checks.of(error.schema).faults(params, 'body/params')
      if (fields.length > 0) throw new ProblemError('invalid_params', { fields })
      fitting = error.schema
    }
  }
}
