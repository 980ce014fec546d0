import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

/**
 * Validates with the schemas' own library: every error with its path. Only what arrives as text anyway (query,
 * params, headers) is converted; a body must have the right types and no field that is not in its schema.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema)
  return (input: unknown) => {
    const value = Value.Default(schema, httpPart === 'body' ? input : Value.Convert(schema, input))
    if (compiled.Check(value)) return { value }
    const issues = compiled.Errors(value).map((error) => ({ ...error, message: error.message }))
    return { error: issues as unknown as FastifySchemaValidationError[] }
  }
}
