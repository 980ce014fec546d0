import type { Problem } from '@telltale/api/contract'

/** Every failed request ends here: `problem.detail` says what to do, `problem.requestId` finds it in the logs. */
export class ApiError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title)
    this.name = 'ApiError'
    this.problem = problem
  }
}

type Query = Record<string, string | number | undefined>

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return request<T>(withQuery(`/api/v1${path}`, query), { method: 'GET', ...(signal && { signal }) })
}

export function send<T>(
  method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const headers: Record<string, string> = { 'x-telltale-csrf': '1' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  return request<T>(`/api/v1${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

/** A `POST` that makes one thing however often it is sent: the key tells the server that it is the same one again. */
export function sendOnce<T>(path: string, body: unknown, key: string): Promise<T> {
  const headers = { 'x-telltale-csrf': '1', 'content-type': 'application/json', 'idempotency-key': key }
  return request<T>(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Health lives outside the versioned base, and a 503 there is an answer, not a failure. */
export async function getHealth<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await reach(path, { ...(signal && { signal }) })
  if (response.status !== 200 && response.status !== 503) throw new ApiError(await readProblem(response))
  return response.json() as Promise<T>
}

export function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiError && error.problem.status === 401
}

function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) params.set(key, String(value))
  const text = params.toString()
  return text === '' ? path : `${path}?${text}`
}

async function request<T>(url: string, init: RequestInit): Promise<T> {
  const response = await reach(url, init)
  if (!response.ok) throw new ApiError(await readProblem(response))
  if (response.status === 204) return undefined as T
  return response.json() as Promise<T>
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { credentials: 'same-origin', ...init })
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError({
      type: 'about:blank',
      title: 'No connection to Telltale',
      detail: 'The server did not answer. Check the network, then try again.',
      status: 0,
      code: 'unreachable',
      requestId: '',
    })
  }
}

/** A proxy in between may answer HTML; that still has to become a sentence. */
async function readProblem(response: Response): Promise<Problem> {
  const type = response.headers.get('content-type') ?? ''
  if (type.includes('json')) {
    const body = (await response.json().catch(() => null)) as Partial<Problem> | null
    if (body?.code !== undefined && body.title !== undefined) return body as Problem
  }
  return {
    type: 'about:blank',
    title: `The server answered ${response.status}`,
    status: response.status,
    code: 'unreadable_answer',
    requestId: response.headers.get('x-request-id') ?? '',
  }
}
