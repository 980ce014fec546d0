import { findParamsSchema } from '@telltale/infra/storage/device-types'
import type { Queryable } from '@telltale/infra/storage/pool'
import { ProblemError } from '../problems.ts'
import { ParamsChecks } from './params-checks.ts'

/** One for the process: what is in it depends on nothing but its own keys. */
const checks = new ParamsChecks()

/**
 * Params must fit the schema that the device's type has for the command; what no type describes passes unchecked. For
 * new commands only: one that is there already is what its type allowed then.
 * @throws ProblemError invalid_params with what is wrong
 */
export async function checkParams(
  db: Queryable,
  device: { type: string | null },
  { name, params = {} }: { name: string; params?: unknown },
): Promise<void> {
  if (device.type === null) return
  const schema = await findParamsSchema(db, { deviceType: device.type, name })
  if (schema === undefined) return
  const fields = checks.of(schema)(params, 'body/params')
  if (fields.length > 0) throw new ProblemError('invalid_params', { fields })
}
