/** HTTP requests as a browser sends them, and how long the answers took, body included. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiProgram } from '@telltale/infra/testing/api'

export type ApiAccess = Pick<TestApiProgram, 'url' | 'token'>

export interface Answer {
  status: number
  /** The `code` of a problem document (RFC 9457); undefined with any other body. */
  problem: string | undefined
  body: string
  tookMs: number
}

export async function get(api: ApiAccess, path: string, signal?: AbortSignal): Promise<Answer> {
  const startMs = performance.now()
  const response = await open(api, path, signal)
  const body = await response.text()
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  const problem = isProblem ? (JSON.parse(body) as { code?: string }).code : undefined
  return { status: response.status, problem, body, tookMs: performance.now() - startMs }
}

export function open(api: ApiAccess, path: string, signal?: AbortSignal): Promise<Response> {
  const headers = { authorization: `Bearer ${api.token}` }
  return fetch(`${api.url}/api/v1${path}`, { headers, ...(signal && { signal }) })
}

export interface Latency {
  count: number
  p50Ms: number
  p95Ms: number
  maxMs: number
}

export function latencyOf(tookMs: readonly number[]): Latency {
  const sorted = [...tookMs].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) }
}

/** Not measured: plans and caches of a server that has answered nobody yet. */
const WARM_UP = 3

/**
 * One request after the other; `pathOf` gives the n-th.
 * @throws Error when one is not answered with 200
 */
export async function timeRequests(
  api: ApiAccess,
  count: number,
  pathOf: (n: number) => string,
): Promise<Latency & { lastBody: string }> {
  const tookMs: number[] = []
  let lastBody = ''
  for (let n = -WARM_UP; n < count; n++) {
    const path = pathOf(n + WARM_UP)
    const answer = await get(api, path)
    if (answer.status !== 200)
      throw new Error(`GET ${path} was answered with ${answer.status}: ${answer.body}`)
    if (n >= 0) tookMs.push(answer.tookMs)
    lastBody = answer.body
  }
  return { ...latencyOf(tookMs), lastBody }
}

/** Asks again and again until aborted: each turn starts `everyMs` after the one before, or when that has ended. */
export async function repeatUntil(
  ended: AbortSignal,
  everyMs: number,
  turn: () => Promise<unknown>,
): Promise<void> {
  while (!ended.aborted) {
    const startMs = performance.now()
    await turn().catch((error: unknown) => {
      if (!ended.aborted) throw error
    })
    const restMs = everyMs - (performance.now() - startMs)
    if (restMs > 0) await sleep(restMs, undefined, { signal: ended }).catch(() => {})
  }
}
