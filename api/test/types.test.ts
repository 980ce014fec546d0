import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, type TestApi } from './harness.ts'

let api: TestApi
let admin: { authorization: string }
let operator: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  admin = await bearer(api, 'admin')
  operator = await bearer(api, 'operator')
  await addDevice(api, 'kitchen')
})
afterEach(() => api.database.pool.query('DELETE FROM device_type; DELETE FROM audit_entry'))
afterAll(() => api.stop())

const put = (body: unknown, name = 'oven') => call(api, `PUT /types/${name}`, { headers: admin, body })
const get = (path = 'types/oven') => call(api, `GET /${path}`, { headers: operator })
const withParams = (params: unknown) => put({ commands: { heat: { params } } })

const numbered = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, {}]))

const oven = {
  label: 'Oven',
  metrics: {
    temperature: {
      label: 'Temperature',
      unit: '°C',
      decimals: 1,
      min: -10,
      max: 300,
      thresholds: [{ above: 250, level: 'alarm' }],
    },
    'gas/pressure': {},
  },
  commands: {
    heat: {
      label: 'Heat',
      params: {
        type: 'object',
        properties: { zebra: { type: 'boolean' }, ape: { type: 'integer' } },
        required: ['zebra'],
      },
      dangerous: true,
    },
    stop: {},
  },
}

it('D-TYPE-1 a type is described, replaced and deleted by an admin, and every change is on record', async () => {
  const created = await put(oven)
  expect(created.status).toBe(201)
  const answer = {
    name: 'oven',
    ...oven,
    devices: 0,
    updatedAt: expect.any(String),
    updatedBy: 'token:test-admin',
  }
  expect(created.body).toEqual(answer)
  await call(api, 'PATCH /devices/kitchen', { headers: operator, body: { type: 'oven' } })
  const read = await get()
  expect(read.body).toEqual({ ...answer, devices: 1 })
  const order = (text: string) =>
    ['metrics', 'temperature', 'gas', 'commands', 'heat', 'zebra', 'ape'].map((key) =>
      text.indexOf(`"${key}`),
    )
  const places = order(JSON.stringify(read.body))
  expect(places, 'as it was given').toEqual([...places].sort((a, b) => a - b))

  const replaced = await put({})
  expect([replaced.status, replaced.body.label, replaced.body.metrics, replaced.body.commands]).toEqual([
    200,
    null,
    {},
    {},
  ])
  const remove = () => call(api, 'DELETE /types/oven', { headers: admin })
  expect((await remove()).status).toBe(204)
  for (const gone of [await remove(), await get()])
    expect([gone.status, gone.body.code]).toEqual([404, 'type_not_found'])
  expect((await get('devices/kitchen')).body.type, 'its devices keep the name').toBe('oven')
  const { rows } = await api.database.pool.query<{ line: string }>(
    `SELECT concat_ws(' ', actor, action, target, detail::text) AS line FROM audit_entry WHERE action LIKE 'type.%'
     ORDER BY id`,
  )
  expect(rows.map(({ line }) => line)).toEqual([
    'token:test-admin type.create oven {"metrics": 2, "commands": 2}',
    'token:test-admin type.change oven {"metrics": 0, "commands": 0}',
    'token:test-admin type.delete oven',
  ])
})

it('D-TYPE-2 types are listed by name, in pages; only an admin changes them', async () => {
  const names = ['B', 'a', 'c', 'd.e', '_f']
  for (const name of names) await put({}, name)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await get(`types?limit=2${cursor}`)
    seen.push(...body.items.map(({ name }: { name: string }) => name))
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect([...seen].sort()).toEqual([...names].sort())
  expect((await get('types?cursor=x')).body.code).toBe('invalid_cursor')
  for (const method of ['PUT', 'DELETE']) {
    const refused = await call(api, `${method} /types/a`, {
      headers: operator,
      ...(method === 'PUT' && { body: {} }),
    })
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  }
  const viewer = await bearer(api, 'viewer')
  expect((await call(api, 'GET /types/a', { headers: viewer })).status).toBe(200)
})

it('D-TYPE-3 a description that says nothing sensible is refused, with where and why', async () => {
  const refusals: [unknown, number, string, string][] = [
    [{ metrics: { 'a/b': { min: 1, max: 1 } } }, 422, 'body/metrics/a~1b/max', 'must be above min'],
    [
      { metrics: { t: { thresholds: [{ level: 'alarm' }] } } },
      422,
      'body/metrics/t/thresholds/0',
      'above, below or both',
    ],
    [
      { metrics: { t: { thresholds: [{ above: 1, below: 2, level: 'warning' }] } } },
      422,
      'body/metrics/t/thresholds/0',
      'every value would be beyond it',
    ],
    [{ commands: { heat: { params: null } } }, 422, 'body/commands/heat/params', 'must be a schema'],
    [{ metrics: { t: { decimals: 11 } } }, 400, 'body/metrics/t/decimals', '10'],
    [
      { metrics: { t: { thresholds: [{ above: 1, level: 'red' }] } } },
      400,
      'body/metrics/t/thresholds/0/level',
      '',
    ],
    [{ metrics: { t: { colour: 'red' } } }, 400, 'body/metrics/t/colour', 'is not a known field'],
    ['{"metrics":{"t":{"max":1e400}}}', 400, 'body/metrics/t/max', ''],
    [{ commands: { heat: { dangerous: 1 } } }, 400, 'body/commands/heat/dangerous', ''],
    [{ metrics: { 'a\nb': {} } }, 422, 'body/metrics/a\nb', 'must be a name of 1 to 128 characters'],
    [{ metrics: { 'a\nb': 1 } }, 400, 'body/metrics/a\nb', 'must be object'],
    [{ commands: { '': {} } }, 422, 'body/commands/', 'must be a name of 1 to 128 characters'],
    [{ commands: numbered(101) }, 400, 'body/commands', 'more than 100'],
    [{ metrics: numbered(1_001) }, 400, 'body/metrics', 'more than 1000'],
    [{ colour: 'red' }, 400, 'body/colour', 'is not a known field'],
  ]
  for (const [body, status, path, message] of refusals) {
    const answer = await put(body)
    expect([path, answer.status]).toEqual([path, status])
    expect([path, answer.body.errors]).toEqual([
      path,
      expect.arrayContaining([{ path, message: expect.stringContaining(message) }]),
    ])
  }
  for (const name of ['.oven', 'o%20ven', 'x'.repeat(65)]) {
    const answer = await put({}, name)
    expect([name, answer.status, answer.body.errors[0].path]).toEqual([name, 400, 'params/name'])
  }
  expect((await put({ label: 'a\0b' })).body.code).toBe('unstorable_text')
  expect((await put({ metrics: { t: { unit: 'a\0b' } } })).body.code).toBe('unstorable_text')
  expect((await get('types')).body.items).toEqual([])
})

const notSupported = [
  ...[
    '$schema',
    '$id',
    '$anchor',
    '$ref',
    '$dynamicRef',
    '$dynamicAnchor',
    '$defs',
    '$comment',
    '$vocabulary',
  ],
  ...[
    'definitions',
    'pattern',
    'patternProperties',
    'propertyNames',
    'format',
    'uniqueItems',
    'allOf',
    'anyOf',
    'not',
  ],
  ...[
    'if',
    'then',
    'else',
    'dependencies',
    'dependentRequired',
    'dependentSchemas',
    'prefixItems',
    'additionalItems',
  ],
  ...[
    'unevaluatedItems',
    'contains',
    'minContains',
    'maxContains',
    'minProperties',
    'maxProperties',
    'nullable',
  ],
  ...[
    'unevaluatedProperties',
    'contentEncoding',
    'contentMediaType',
    'contentSchema',
    'readOnly',
    'writeOnly',
  ],
  ...['deprecated', 'discriminator', '$data', '$async', 'toString', 'x-order'],
]

it('D-TYPE-11 every other keyword of JSON Schema is refused by name, with what to use instead', async () => {
  for (const keyword of notSupported)
    for (const [schema, inside] of [
      [{ type: 'object', [keyword]: {} }, ''],
      [
        { type: 'object', properties: { a: { type: 'array', items: { [keyword]: true } } } },
        '/properties/a/items',
      ],
    ] as const) {
      const { status, body } = await withParams(schema)
      expect([keyword, status, body.code]).toEqual([keyword, 422, 'invalid_type'])
      const message = expect.stringMatching(/^is not a keyword of these schemas: .{20}/)
      expect(body.errors).toEqual([{ path: `body/commands/heat/params${inside}/${keyword}`, message }])
    }
  expect((await get()).status).toBe(404)
})

it('D-TYPE-12 names that every object has are names of metrics, commands and properties', async () => {
  const properties = { constructor: { type: 'integer' }, toString: { type: 'string' } }
  const command = { params: { type: 'object', properties, required: ['constructor'] } }
  const body = { metrics: { constructor: { unit: 'm' } }, commands: { constructor: command, valueOf: {} } }
  expect((await put(body)).status).toBe(201)
  expect((await get()).body).toMatchObject(body)
  const proto = await put('{"commands":{"__proto__":{"dangerous":true}}}')
  expect([proto.status, proto.body.code]).toEqual([400, 'invalid_json'])
  expect((await get()).body).toMatchObject(body)
  expect(Object.keys({})).toEqual([])
})
