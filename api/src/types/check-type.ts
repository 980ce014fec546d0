import { setImmediate } from 'node:timers/promises'
import { Check } from 'typebox/value'
import { CommandName } from '../contract/commands.ts'
import type { CommandType, DeviceTypeBody, MetricType, Threshold } from '../contract/index.ts'
import { type FieldError, ProblemError } from '../problems.ts'
import { findSchemaFaults } from './params-schema.ts'
import { pointer } from './params-validator.ts'

/** Enough to mend a type by; the next attempt shows the rest. */
const FAULTS_MAX = 50

/**
 * What the shape of the body does not say: names, bounds in order, thresholds that say something, schemas that can be
 * checked.
 * @throws ProblemError invalid_type with where and what
 */
export async function checkType({ metrics = {}, commands = {} }: DeviceTypeBody): Promise<void> {
  const fields: FieldError[] = []
  for (const [name, metric] of Object.entries(metrics)) {
    const path = pointer('body/metrics', name)
    fields.push(...findNameFaults(name, path), ...findMetricFaults(metric, path))
  }
  for (const [name, command] of Object.entries(commands)) {
    const path = pointer('body/commands', name)
    fields.push(...findNameFaults(name, path), ...findCommandFaults(command, path))
    if (fields.length >= FAULTS_MAX) break
    // A large schema takes tens of milliseconds: others have their turn in between.
    await setImmediate()
  }
  if (fields.length > 0) throw new ProblemError('invalid_type', { fields: fields.slice(0, FAULTS_MAX) })
}

/** Of metrics and of commands. */
function findNameFaults(name: string, path: string): FieldError[] {
  const message = 'must be a name of 1 to 128 characters, without control characters'
  return Check(CommandName, name) ? [] : [{ path, message }]
}

function findMetricFaults({ min, max, thresholds = [] }: MetricType, path: string): FieldError[] {
  const isEmpty = min !== undefined && max !== undefined && min >= max
  return [
    ...(isEmpty ? [{ path: `${path}/max`, message: 'must be above min' }] : []),
    ...thresholds.flatMap((threshold, i) => {
      const message = findThresholdFault(threshold)
      return message ? [{ path: `${path}/thresholds/${i}`, message }] : []
    }),
  ]
}

function findThresholdFault({ above, below }: Threshold): string | undefined {
  if (above === undefined && below === undefined) return 'must have above, below or both'
  if (above !== undefined && below !== undefined && above < below)
    return 'must not have above under below: every value would be beyond it'
  return undefined
}

function findCommandFaults(command: CommandType, path: string): FieldError[] {
  // Null was sent, and is no schema.
  return 'params' in command ? findSchemaFaults(command.params, `${path}/params`) : []
}
