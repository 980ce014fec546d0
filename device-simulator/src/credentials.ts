/** Where devices get their secrets: the HTTP API the first time, a file that only we can read after that. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as limits from './limits.ts'
import type { DevicePlan } from './profiles/profile.ts'

/** API url → device id → secret. */
type Held = Map<string, Map<string, string>>

export interface SecretFile {
  get(apiUrl: string, deviceId: string): string | undefined
  /** Resolves once it is on disk. */
  set(apiUrl: string, deviceId: string, secret: string): Promise<void>
}

export async function openSecretFile(path: string): Promise<SecretFile> {
  const held = await readHeld(path)
  let dirty = false
  let writing: Promise<void> = Promise.resolve()
  const flush = async () => {
    if (!dirty) return
    dirty = false
    await writeHeld(path, held)
  }
  return {
    get: (apiUrl, deviceId) => held.get(apiUrl)?.get(deviceId),
    set(apiUrl, deviceId, secret) {
      const secrets = held.get(apiUrl) ?? new Map<string, string>()
      held.set(apiUrl, secrets.set(deviceId, secret))
      dirty = true
      // One writer at a time; what arrives meanwhile goes out together in the next write.
      const written = writing.then(flush)
      writing = written.catch(() => {})
      return written
    },
  }
}

async function readHeld(path: string): Promise<Held> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  try {
    const parsed = JSON.parse(text) as Record<string, Record<string, string>>
    return new Map(Object.entries(parsed).map(([url, secrets]) => [url, new Map(Object.entries(secrets))]))
  } catch {
    throw new Error(
      `${path} is not readable as JSON: repair it, or delete it and let the devices get new secrets.`,
    )
  }
}

async function writeHeld(path: string, held: Held): Promise<void> {
  const plain = Object.fromEntries([...held].map(([url, secrets]) => [url, Object.fromEntries(secrets)]))
  await mkdir(dirname(path), { recursive: true })
  // Written aside and renamed: a crash leaves the old file or the new one, never half of one.
  const aside = `${path}.${process.pid}`
  await writeFile(aside, `${JSON.stringify(plain, null, 2)}\n`, { mode: 0o600 })
  await rename(aside, path)
}

export interface Registrar {
  /** The secret we hold, or one from the API. */
  secretFor(device: DevicePlan): Promise<string>
  /** A new secret, for a device whose old one the broker refused. */
  renew(device: DevicePlan): Promise<string>
}

export function createRegistrar(deps: {
  apiUrl: string
  token: string | undefined
  secrets: SecretFile
  signal: AbortSignal
}): Registrar {
  const atOnce = createTurnstile(limits.registrationsAtOnceMax)
  const renew = (device: DevicePlan) =>
    atOnce(async () => {
      deps.signal.throwIfAborted()
      const secret = await register(deps, device)
      await deps.secrets.set(deps.apiUrl, device.id, secret)
      return secret
    })
  return {
    secretFor: async (device) => deps.secrets.get(deps.apiUrl, device.id) ?? (await renew(device)),
    renew,
  }
}

type Api = { apiUrl: string; token: string | undefined; signal: AbortSignal }

async function register(api: Api, { id, name, type, tags }: DevicePlan): Promise<string> {
  const created = await post(api, '/api/v1/devices', { id, name, type, tags })
  if (created.status !== 409) return secretOf(api, created, id)
  const rotated = await post(api, `/api/v1/devices/${encodeURIComponent(id)}/credentials`, {})
  return secretOf(api, rotated, id)
}

async function secretOf(api: Api, response: Response, deviceId: string): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined)
  const member = (name: string): string | undefined => {
    const value = (body as Record<string, unknown> | undefined)?.[name]
    return typeof value === 'string' ? value : undefined
  }
  const secret = member('secret')
  if (response.ok && secret !== undefined) return secret
  if (response.status === 401 || response.status === 403) {
    throw new Error(
      `${api.apiUrl} answered ${response.status}: the simulator needs a token of an operator or admin. ` +
        'Make one in the dashboard and give it with --token or TELLTALE_TOKEN.',
    )
  }
  const why = member('detail') ?? member('title') ?? 'no reason given'
  throw new Error(`${api.apiUrl} did not register ${deviceId} (${response.status}): ${why}`)
}

async function post(api: Api, path: string, body: unknown): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await request(api, path, body)
    const busy = response.status === 429 || response.status === 503
    if (!busy || attempt >= limits.httpAttemptsMax) return response
    const seconds = Number(response.headers.get('retry-after')) || 2 ** (attempt - 1)
    await pause(Math.min(seconds, 30) * 1_000, api.signal)
  }
}

async function request(api: Api, path: string, body: unknown): Promise<Response> {
  try {
    return await fetch(api.apiUrl + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(api.token === undefined ? {} : { authorization: `Bearer ${api.token}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.any([api.signal, AbortSignal.timeout(limits.httpTimeoutMs)]),
    })
  } catch (error) {
    api.signal.throwIfAborted()
    const cause = error instanceof Error ? (error.cause ?? error) : error
    const why = cause instanceof Error ? cause.message || ('code' in cause ? cause.code : cause.name) : cause
    throw new Error(`Cannot reach the API at ${api.apiUrl} (${why}). Start Telltale first, or give --api.`)
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, delayMs)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

/** Lets `places` tasks run at a time; the others wait in order. */
function createTurnstile(places: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = places
  return async (task) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
