import { isTransient, sqlState } from '@telltale/infra/storage/errors'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Problem } from './contract/index.ts'
import { type FieldError, type ProblemCode, ProblemError, problems } from './problems.ts'

/** Fastify's own refusals, in our words. */
const FRAMEWORK_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
}

/** RFC 9457. */
export function toProblem(error: ProblemError, requestId: string): Problem {
  const [status, title, detail] = problems[error.code]
  return {
    type: `urn:telltale:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail,
    requestId,
    ...(error.fields && { errors: [...error.fields] }),
  }
}

/** Whatever was thrown, as one of our problems. Nothing internal gets through: the rest is `internal`. */
export function asProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  const { code, validation, validationContext, statusCode } = error as FastifyError
  if (validation) {
    // A malformed id in the path cannot name anything.
    if (validationContext === 'params') return new ProblemError('not_found')
    return new ProblemError('invalid_request', { fields: toFieldErrors(validation, validationContext) })
  }
  const known = FRAMEWORK_CODES[code] ?? databaseProblem(error)
  if (known) return new ProblemError(known)
  // JSON.parse and secure-json-parse throw plain syntax errors.
  if (error instanceof SyntaxError && statusCode === 400) return new ProblemError('invalid_json')
  if (statusCode === 416) return new ProblemError('range_not_satisfiable')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ProblemError('invalid_request')
  return new ProblemError('internal')
}

/** What PostgreSQL says of text it cannot hold: NUL in text or jsonb, half a surrogate pair in jsonb. */
const UNSTORABLE_TEXT = new Set(['22021', '22P05', '22P02'])
const QUERY_CANCELED = '57014'
/** It only reads, lets us in no more, is gone, or its disk fails: nothing that whoever asked could ask better. */
const CLOSED_TO_US = /^(25006|28|3D|58)/

function databaseProblem(error: unknown): ProblemCode | undefined {
  const state = sqlState(error)
  if (state !== undefined && UNSTORABLE_TEXT.has(state)) return 'unstorable_text'
  if (state === QUERY_CANCELED) return 'query_timeout'
  if (state !== undefined && CLOSED_TO_US.test(state)) return 'database_unavailable'
  return isTransient(error) ? 'database_unavailable' : undefined
}

interface ValidationIssue {
  instancePath: string
  message?: string | undefined
}

/** One entry per path, the most specific message first found; `context` is body, querystring or headers. */
export function toFieldErrors(issues: readonly ValidationIssue[], context = 'body'): FieldError[] {
  const where = context === 'querystring' ? 'query' : context
  const byPath = new Map<string, string>()
  for (const { instancePath, message = 'is not valid' } of issues) {
    const path = where + instancePath
    if (!byPath.has(path)) byPath.set(path, message === 'schema is false' ? 'is not a known field' : message)
  }
  return [...byPath].map(([path, message]) => ({ path, message }))
}

export function sendProblem(error: ProblemError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request.id)
  if (error.retryAfterS !== undefined) reply.header('retry-after', error.retryAfterS)
  // The schemas describe the good answers; a problem is written as it is.
  return reply
    .code(problem.status)
    .serializer((body: unknown) => JSON.stringify(body))
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(problem)
}

export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = asProblemError(error)
  // Who is refused while the database is away is no news: the watch has said so, once.
  const isKnown = error instanceof ProblemError && problem.code === 'database_unavailable'
  if (problems[problem.code][0] >= 500 && !isKnown) request.log.error({ err: error }, 'request failed')
  if (problem.code === 'range_not_satisfiable') reply.header('content-range', lengthOf(error))
  return sendProblem(problem, request, reply)
}

/** What the file server says of a file that is shorter than it was asked for. */
function lengthOf(error: unknown): string | undefined {
  return (error as { headers?: Record<string, string> }).headers?.['Content-Range']
}
