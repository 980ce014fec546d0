import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRegistrar, openSecretFile } from './credentials.ts'
import * as limits from './limits.ts'
import type { DevicePlan } from './profiles/profile.ts'

const undo: (() => unknown)[] = []
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulator-'))
  undo.push(() => rm(folder, { recursive: true }))
})
afterEach(async () => {
  for (const release of undo.splice(0).reverse()) await release()
})

function plan(n: number): DevicePlan {
  return { id: `bay-${n}`, name: `Bay ${n} climate`, type: 'greenhouse-climate', tags: ['greenhouse/north'] }
}

type Answer = (request: { url: string; body: string; token: string }, response: ServerResponse) => void

/** The far end: answers as the test wants. */
async function api(answer: Answer): Promise<string> {
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    answer({ url: request.url ?? '', body, token: request.headers.authorization ?? '' }, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(() => server.close())
  undo.push(() => server.closeAllConnections())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

async function registrar(apiUrl: string, signal = new AbortController().signal) {
  const secrets = await openSecretFile(join(folder, 'data', 'secrets.json'))
  return createRegistrar({ apiUrl, token: 'tt_x', secrets, signal })
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

describe('registrar', () => {
  test('registers a device once and keeps its secret in a file only we can read', async () => {
    const requests: unknown[] = []
    const url = await api((request, response) => {
      requests.push(request)
      json(response, 201, { ...JSON.parse(request.body), secret: 'first' })
    })
    expect(await (await registrar(url)).secretFor(plan(1))).toBe('first')
    expect(await (await registrar(url)).secretFor(plan(1))).toBe('first')
    expect(requests).toEqual([
      { url: '/api/v1/devices', body: JSON.stringify(plan(1)), token: 'Bearer tt_x' },
    ])
    const file = join(folder, 'data', 'secrets.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ [url]: { 'bay-1': 'first' } })
  })

  test('asks for new credentials when the device exists', async () => {
    const url = await api(({ url }, response) =>
      url.endsWith('/bay-1/credentials')
        ? json(response, 201, { id: 'c', secret: 'second' })
        : json(response, 409, { code: 'device_exists' }),
    )
    expect(await (await registrar(url)).secretFor(plan(1))).toBe('second')
  })

  test('never has more requests open than its bound, and waits when told to', async () => {
    let open = 0
    let openMax = 0
    let refusals = 3
    // The first of them get no answer before as many are open as may be.
    let areAllOpen = () => {}
    const allOpen = new Promise<void>((resolve) => {
      areAllOpen = resolve
    })
    const url = await api(async ({ body }, response) => {
      openMax = Math.max(openMax, ++open)
      if (open === limits.registrationsAtOnceMax) areAllOpen()
      await allOpen
      await sleep(5)
      open--
      if (refusals-- > 0) response.writeHead(429, { 'retry-after': '0.01' }).end()
      else json(response, 201, { secret: `of ${JSON.parse(body).id}` })
    })
    const { secretFor } = await registrar(url)
    const plans = Array.from({ length: 40 }, (_, n) => plan(n))
    const secrets = await Promise.all(plans.map(secretFor))
    expect(secrets).toEqual(plans.map(({ id }) => `of ${id}`))
    expect(openMax).toBe(limits.registrationsAtOnceMax)
    const held = await openSecretFile(join(folder, 'data', 'secrets.json'))
    expect(held.get(url, 'bay-39')).toBe('of bay-39')
  })

  test('says what to do when the token is refused, the API is away or the API says no', async () => {
    const refused = await registrar(await api((_, response) => json(response, 401, { title: 'no' })))
    await expect(refused.secretFor(plan(1))).rejects.toThrow('--token')
    const away = await registrar('http://127.0.0.1:1')
    await expect(away.secretFor(plan(1))).rejects.toThrow('Start Telltale first')
    const unwilling = await registrar(
      await api((_, response) => json(response, 400, { detail: 'tags must not hold spaces' })),
    )
    await expect(unwilling.secretFor(plan(1))).rejects.toThrow('(400): tags must not hold spaces')
  })
})

test('a file that is not JSON is not overwritten', async () => {
  const file = join(folder, 'secrets.json')
  await writeFile(file, 'half of a fi')
  await expect(openSecretFile(file)).rejects.toThrow('repair it, or delete it')
})
