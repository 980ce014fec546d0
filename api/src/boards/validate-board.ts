import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import type { TSchema } from 'typebox'
import { Errors } from 'typebox/value'
import { panelKinds } from '../contract/boards.ts'
import { compileValidator } from '../validation.ts'

const kinds = Object.keys(panelKinds) as (keyof typeof panelKinds)[]

type Issue = Pick<FastifySchemaValidationError, 'instancePath' | 'message'>

/**
 * A panel that is wrong is wrong in six ways, one for each kind it might have been. What is said of it is only what its
 * own `kind` asks for.
 */
export const compileBoardValidator: FastifySchemaCompiler<TSchema> = (route) => {
  const validate = compileValidator(route)
  if (route.httpPart !== 'body' || typeof validate !== 'function') return validate
  return (input: unknown) => {
    const answer = validate(input) as { error?: FastifySchemaValidationError[] }
    if (answer.error === undefined) return answer
    const others = answer.error.filter(({ instancePath }) => !/^\/panels\/\d/.test(instancePath))
    const issues = [...others, ...panelIssues(input)]
    return { error: issues as FastifySchemaValidationError[] }
  }
}

function panelIssues(body: unknown): Issue[] {
  const panels = isMembers(body) ? body.panels : undefined
  if (!Array.isArray(panels)) return []
  return panels.flatMap((panel: unknown, i) => {
    const path = `/panels/${i}`
    if (!isMembers(panel)) return [{ instancePath: path, message: 'must be an object' }]
    const kind = kinds.find((one) => one === panel.kind)
    if (kind === undefined)
      return [{ instancePath: `${path}/kind`, message: `must be one of ${kinds.join(', ')}` }]
    return Errors(panelKinds[kind], panel).map(({ instancePath, message }) => ({
      instancePath: path + instancePath,
      message,
    }))
  })
}

function isMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
