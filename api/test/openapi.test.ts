import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, startApi, type TestApi } from './harness.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

it('O-OPENAPI-1 api/openapi.json is what the routes say (`pnpm --filter @telltale/api openapi` renews it)', async () => {
  const { body } = await call({ ...api, url: (path) => api.origin + path }, 'GET /openapi.json')
  expect(body.openapi).toBe('3.1.0')
  await expect(`${JSON.stringify(body, null, 2)}\n`).toMatchFileSnapshot('../openapi.json')
})

it('O-OPENAPI-2 every route has a summary, and /docs is served with scripts of its own only', async () => {
  const document = api.app.swagger() as unknown as {
    paths: Record<string, Record<string, { summary?: string }>>
  }
  for (const operations of Object.values(document.paths))
    for (const operation of Object.values(operations)) expect(operation.summary).toBeTruthy()
  const docs = await fetch(`${api.origin}/docs/static/index.html`)
  expect(docs.status).toBe(200)
  expect(docs.headers.get('content-security-policy')).toMatch(/script-src 'self';/)
})

it('O-OPENAPI-3 every operation says in which shape it fails', () => {
  const document = api.app.swagger() as unknown as {
    paths: Record<string, Record<string, { responses: object }>>
    components: { responses: Record<string, unknown> }
  }
  expect(document.components.responses.Problem).toMatchObject({
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  })
  for (const operations of Object.values(document.paths))
    for (const { responses } of Object.values(operations))
      expect(responses).toMatchObject({ default: { $ref: '#/components/responses/Problem' } })
})

it('O-HEALTH-1 probes need no sign-in; verbose readiness names storage and brokers', async () => {
  expect(await (await fetch(`${api.origin}/livez`)).json()).toEqual({ alive: true })
  const ready = await fetch(`${api.origin}/readyz?verbose`)
  expect(ready.status).toBe(200)
  expect(await ready.json()).toMatchObject({
    ready: true,
    storage: {
      engine: 'plain',
      durability: { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' },
    },
    brokers: [],
  })
})

it('O-METRICS-1 metrics count by route, never by device', async () => {
  await call(api, 'GET /devices/secret-device-name')
  const metrics = await (await fetch(`${api.origin}/metrics`)).text()
  expect(metrics).toMatch(
    /telltale_http_request_seconds_count\{method="GET",route="\/api\/v1\/devices\/:id",status="401"\} 1/,
  )
  expect(metrics).not.toContain('secret-device-name')
})

it('O-HEALTH-2 without the broker the API answers, and readiness says so', async () => {
  await api.broker.stop()
  await expect.poll(async () => (await fetch(`${api.origin}/readyz`)).status, { timeout: 10_000 }).toBe(503)
  const { checks } = (await (await fetch(`${api.origin}/readyz`)).json()) as { checks: unknown[] }
  expect(checks).toContainEqual({ name: 'broker', ok: false, detail: 'not connected; retrying' })
})
