import { readFileSync } from 'node:fs'
import type { Type } from 'typebox'
import { Value } from 'typebox/value'

/** Thrown with every problem found, one sentence each, ready for a person. Programs exit with code 2. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`wrong settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

type Env = Record<string, string | undefined>

/** Settings other tools already use; ours wins when both are set. */
const ALIASES: Record<string, string> = {
  TELLTALE_DATABASE_URL: 'DATABASE_URL',
  TELLTALE_REDIS_URL: 'REDIS_URL',
}

/**
 * Reads the variables `schema` names from `env`: converts, fills in defaults, freezes.
 * Every variable may instead be given as `NAME_FILE`, the path of a file that holds it (for secrets).
 * @throws ConfigError naming all wrong variables at once
 */
export function loadConfig<T extends Type.TObject>(schema: T, env: Env): Readonly<Type.Static<T>> {
  const problems: string[] = []
  const given: Record<string, unknown> = {}
  for (const name of Object.keys(schema.properties)) {
    const text = readVariable(name, env, problems)
    if (text !== undefined) given[name] = text
  }
  const config = Value.Default(schema, Value.Convert(schema, given))
  for (const problem of describeErrors(schema, config)) problems.push(problem)
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config) as Readonly<Type.Static<T>>
}

function readVariable(name: string, env: Env, problems: string[]): string | undefined {
  const alias = ALIASES[name]
  const direct = env[name] || (alias && env[alias])
  if (direct) return direct
  const file = env[`${name}_FILE`]
  if (!file) return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    problems.push(`${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`)
    return undefined
  }
}

/** One sentence per variable; the schema's `description` says what would have been right. */
function describeErrors(schema: Type.TObject, config: unknown): string[] {
  const wrong = new Set<string>()
  for (const error of Value.Errors(schema, config)) {
    const missing = (error.params as { requiredProperties?: string[] }).requiredProperties
    if (missing) for (const name of missing) wrong.add(name)
    else wrong.add(error.instancePath.split('/')[1] ?? '')
  }
  return [...wrong].filter(Boolean).map((name) => {
    const property = schema.properties[name] as { description?: string; secret?: boolean } | undefined
    const value = (config as Record<string, unknown>)[name]
    if (value === undefined) return `${name} is missing: ${property?.description}`
    const shown = property?.secret ? 'its value' : JSON.stringify(value)
    return `${name}: ${shown} is not ${property?.description}`
  })
}
