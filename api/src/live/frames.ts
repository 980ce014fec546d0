import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { ClientFrame } from '../contract/index.ts'
import { toFieldErrors } from '../errors.ts'
import { ProblemError } from '../problems.ts'

const variants = new Map(
  ClientFrame.anyOf.map((schema) => [schema.properties.type.const as string, Compile(schema as TSchema)]),
)

/** A frame of the client, checked against the schema of its type. @throws ProblemError with the paths */
export function parseFrame(text: string): ClientFrame {
  const frame = parseJson(text)
  const { type } = (frame ?? {}) as { type?: unknown }
  const schema = typeof type === 'string' ? variants.get(type) : undefined
  if (!schema) {
    const message = `is not one of ${[...variants.keys()].join(', ')}`
    throw new ProblemError('invalid_request', { fields: [{ path: 'frame/type', message }] })
  }
  if (schema.Check(frame)) return frame as ClientFrame
  throw new ProblemError('invalid_request', { fields: toFieldErrors(schema.Errors(frame), 'frame') })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ProblemError('invalid_json')
  }
}
