import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { repositoryDir } from '../paths.ts'
import { administer } from '../testing/administer.ts'

const MIGRATION = '0004_commands.sql'
const migrationsDir = join(repositoryDir(), 'infra', 'migrations')

async function onEmptyDatabase(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const template = inject('templateUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await administer(template, `CREATE DATABASE ${name}`)
  const url = new URL(template)
  url.pathname = `/${name}`
  const client = new pg.Client({ connectionString: url.href })
  try {
    await client.connect()
    await work(client)
  } finally {
    await client.end()
    await administer(template, `DROP DATABASE ${name} WITH (FORCE)`)
  }
}

it('C-ORDER-1 commands of an older version keep their order, and new ones come after them', async () => {
  await onEmptyDatabase(async (client) => {
    const files = readdirSync(migrationsDir).sort()
    const migrate = (file: string) => client.query(readFileSync(join(migrationsDir, file), 'utf8'))
    for (const file of files.filter((name) => name < MIGRATION)) await migrate(file)
    await client.query(`INSERT INTO device (id, name) VALUES ('d', 'd')`)
    const insert = (columns: string, from: string) =>
      client.query(`INSERT INTO command
        (id, device_id, name, params, status, ttl_ms, created_by, expires_at, created_at)
        SELECT gen_random_uuid(), 'd', ${columns}, '{}', 'queued', 1000, 'test', now(), ${from}`)
    // Made in another order than they are stored in.
    await insert(
      'i::text',
      `now() - ((i * 7919) % 100) * interval '1 minute' FROM generate_series(0, 99) AS i`,
    )
    await client.query(`INSERT INTO command_event (command_id, status, at) SELECT id, e.status, e.at FROM command,
      LATERAL (VALUES ('sent', created_at + interval '1 s'), ('queued', created_at)) AS e (status, at)`)
    await migrate(MIGRATION)
    await insert(`'new'`, `now() - interval '1 year'`)
    const names = async (order: string) =>
      (await client.query(`SELECT name FROM command ORDER BY ${order}`)).rows.map(({ name }) => name)
    expect(await names('seq')).toEqual(await names(`name = 'new', created_at`))
    const { rows } = await client.query(
      'SELECT array_agg(status ORDER BY seq) AS path, count(*) AS n FROM command_event GROUP BY command_id',
    )
    expect(rows.every(({ path }) => path.join() === 'queued,sent')).toBe(true)
    expect(rows.length).toBe(100)
  })
})
