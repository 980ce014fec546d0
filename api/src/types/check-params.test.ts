import { putDeviceType } from '@telltale/infra/storage/device-types'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { withParamsChecked } from './check-params.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

/** What the type says of the params of its command from now on. */
async function describe(params: object): Promise<void> {
  const commands = { 'set-led': { params } }
  const type = { name: 'lamp', label: null, metrics: {}, commands, updatedBy: 'ada' }
  await putDeviceType(database.pool, type)
}

/** Checks params as for a command; `insides` is what each attempt to insert one threw, if it did. */
async function send(params: unknown, betweenAttempts = async () => {}) {
  const insides: unknown[] = []
  const end = await withParamsChecked({ name: 'set-led', params }, async (check) => {
    if (insides.length === 1) await betweenAttempts()
    try {
      await check({ type: 'lamp', isDisabled: false }, database.pool)
      insides.push(undefined)
      return 'inserted'
    } catch (error) {
      insides.push(error)
      throw error
    }
  }).catch((error: unknown) => error)
  return { end, insides }
}

const object = (on: object) => ({ type: 'object', properties: { on } })

it('C-PARAMS-7 nothing is compiled and no fault listed while the device is held', async () => {
  // Stored past all checks: whoever compiles it is told so.
  await describe({ type: 'no such type' })
  const broken = await send({})
  expect(String(broken.end)).toContain('no such type')
  expect(broken.insides.map(String)).toEqual(['Error: params are not checked yet'])

  await describe(object({ type: 'boolean' }))
  for (const attempt of ['compiles', 'lists, and compiles for that']) {
    const wrong = await send({ on: 1 })
    expect([attempt, wrong.end]).toMatchObject([attempt, { code: 'invalid_params' }])
    expect(wrong.insides.map(String)).toEqual(['Error: params are not checked yet'])
  }
})

it('C-PARAMS-8 only the first command of its kind is begun twice', async () => {
  await describe(object({ type: 'string' }))
  const first = await send({ on: 'yes' })
  expect([first.end, first.insides.length]).toEqual(['inserted', 2])
  expect(await send({ on: 'no' })).toEqual({ end: 'inserted', insides: [undefined] })
})

it('C-PARAMS-9 a type that changes between the attempts is checked as it is in the last', async () => {
  await describe(object({ type: 'integer' }))
  const refused = await send({ on: 1 }, () => describe(object({ type: 'null' })))
  expect([refused.insides.length, refused.end]).toMatchObject([2, { code: 'invalid_params' }])
  await describe(object({ type: 'array' }))
  const allowed = await send({ on: [] }, () => describe(object({ type: 'array', maxItems: 3 })))
  expect([allowed.insides.length, allowed.end]).toEqual([3, 'inserted'])
})
