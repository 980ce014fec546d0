import { afterAll, beforeAll, expect, it } from 'vitest'
import { hashSecret } from '../secrets.ts'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import {
  createIntegration,
  deleteIntegration,
  findIntegration,
  findRevokedIntegrations,
  listIntegrations,
  noteIntegrationConnected,
} from './integrations.ts'

describeEngines('integrations', (testEngine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testEngine.createDatabase()
  })
  afterAll(() => database.drop())

  const create = (name: string, rights: { read: boolean; write: boolean } = { read: true, write: false }) =>
    createIntegration(database.pool, { name, ...rights, createdBy: 'ada' })

  it('S-INTEGRATION-1 the secret of an integration is shown once, and stored only as a hash', async () => {
    const made = await create('node-red', { read: false, write: true })
    expect(made).toMatchObject({ username: '@node-red', createdBy: 'ada', lastConnectedAt: null })
    const secret = made?.secret ?? ''
    const found = await findIntegration(database.pool, 'node-red')
    expect(found).toEqual({ read: false, write: true, hash: hashSecret(secret) })
    const { rows } = await database.pool.query('SELECT * FROM integration')
    expect(JSON.stringify(rows)).not.toContain(secret)
    expect(await create('node-red')).toBeUndefined()
    expect(await findIntegration(database.pool, 'Node-Red')).toBeUndefined()
  })

  it('S-INTEGRATION-2 deleting one, or making it again, ends the connections with the former secret', async () => {
    const first = await create('telegraf')
    const kept = await create('kept')
    const inUse = [
      { name: 'telegraf', hash: hashSecret(first?.secret ?? '') },
      { name: 'kept', hash: hashSecret(kept?.secret ?? '') },
      { name: 'kept', hash: hashSecret('of another') },
      { name: 'never', hash: hashSecret('made') },
    ]
    const revoked = async () =>
      (await findRevokedIntegrations(database.pool, inUse))
        .map((one) => `${one.name} ${inUse.findIndex(({ hash }) => hash.equals(one.hash))}`)
        .sort()
    expect(await revoked()).toEqual(['kept 2', 'never 3'])
    expect(await deleteIntegration(database.pool, 'telegraf')).toBe(true)
    expect(await deleteIntegration(database.pool, 'telegraf')).toBe(false)
    expect(await findIntegration(database.pool, 'telegraf')).toBeUndefined()
    expect(await revoked()).toEqual(['kept 2', 'never 3', 'telegraf 0'])
    expect(await create('telegraf')).toBeDefined()
    expect(await revoked()).toEqual(['kept 2', 'never 3', 'telegraf 0'])
    expect(await findRevokedIntegrations(database.pool, [])).toEqual([])
  })

  it('S-INTEGRATION-3 when an integration connected last is kept, and written once a minute at most', async () => {
    await create('grafana')
    await create('quiet')
    const lastOf = async (name: string) => {
      const all = await listIntegrations(database.pool, { limit: 100 })
      return all.find((integration) => integration.name === name)?.lastConnectedAt
    }
    await noteIntegrationConnected(database.pool, 'grafana')
    const first = await lastOf('grafana')
    expect(first).toEqual(expect.any(String))
    await noteIntegrationConnected(database.pool, 'grafana')
    expect(await lastOf('grafana')).toBe(first)
    await database.pool.query(`UPDATE integration SET connected_at = connected_at - interval '2 minutes'`)
    await noteIntegrationConnected(database.pool, 'grafana')
    expect(Date.parse((await lastOf('grafana')) ?? '')).toBeGreaterThan(Date.parse(first ?? ''))
    expect(await lastOf('quiet')).toBeNull()
  })
})
