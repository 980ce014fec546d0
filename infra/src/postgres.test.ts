import { appendFileSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startEmbeddedPostgres } from './postgres.ts'
import { commandOf, findServerIn } from './postgres-processes.ts'
import { Releases } from './service.ts'
import { testFolder } from './testing/folder.ts'
import { waitFor } from './testing/wait.ts'

let dataDir: string
let largerDisk: string
const inDatabase = (name: string) => join(dataDir, 'postgres', name)

beforeAll(async () => {
  mkdirSync(testFolder, { recursive: true })
  dataDir = await mkdtemp(join(testFolder, 'embedded-'))
  largerDisk = join(dataDir, 'larger-disk')
  await mkdir(largerDisk)
  await symlink(largerDisk, join(dataDir, 'postgres'))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

it('R-START-11 the folder of the database may be a link to another disk: the first start fills that', async () => {
  const database = await startEmbeddedPostgres({ dataDir })
  await database.stop()
  expect(lstatSync(join(dataDir, 'postgres')).isSymbolicLink()).toBe(true)
  expect(existsSync(join(largerDisk, 'PG_VERSION'))).toBe(true)
  expect(readdirSync(dataDir).sort()).toEqual(['larger-disk', 'postgres', 'postgres-password'])
})

it.skipIf(process.platform !== 'linux')(
  'R-START-16 a first start that is killed while it fills a folder: the next says what to do, and then it works',
  async () => {
    const folder = join(dataDir, 'killed')
    const filled = join(folder, 'postgres')
    await mkdir(filled, { recursive: true })
    const starting = startEmbeddedPostgres({ dataDir: folder })
    const refused = expect(starting).rejects.toThrow('did not start')
    await waitFor('initdb to have begun', () => existsSync(join(filled, 'PG_VERSION')))
    const initdb = await findInitdb(filled)
    process.kill(initdb, 'SIGKILL')
    await refused
    const problem = `the first start was cut off while it made ${filled}: `
    await expect(startEmbeddedPostgres({ dataDir: folder })).rejects.toThrow(problem)
    expect(existsSync(join(filled, 'PG_VERSION'))).toBe(true)
    await waitFor('what it started to end', async () => (await findServerIn(filled)) === undefined)
    // The mark alone is none of an empty folder's business.
    for (const name of readdirSync(filled)) await rm(join(filled, name), { recursive: true })
    await (await startEmbeddedPostgres({ dataDir: folder })).stop()
    expect(readdirSync(folder).sort()).toEqual(['postgres', 'postgres-password'])
    await rm(folder, { recursive: true })
  },
)

async function findInitdb(folder: string): Promise<number> {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = (await commandOf(Number(name))) ?? ''
    if (command.includes('initdb') && command.split('\0').includes(`--pgdata=${folder}`)) return Number(name)
  }
  throw new Error('no initdb')
}

it('R-START-11 a database without PG_VERSION is refused, and nothing of it is removed', async () => {
  renameSync(inDatabase('PG_VERSION'), join(dataDir, 'PG_VERSION'))
  const before = readdirSync(largerDisk, { recursive: true }).sort()
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    `${join(dataDir, 'postgres')} is not empty, and no whole database (it has no PG_VERSION); `,
  )
  expect(readdirSync(largerDisk, { recursive: true }).sort()).toEqual(before)
  renameSync(join(dataDir, 'PG_VERSION'), inDatabase('PG_VERSION'))
})

it.skipIf(process.platform !== 'linux')(
  'R-START-12 a stop while the database is still recovering ends it, before the folder is let go',
  async () => {
    // What a long recovery is to whoever waits for it.
    appendFileSync(inDatabase('postgresql.auto.conf'), "restore_command = 'sleep 20; false'\n")
    await writeFile(inDatabase('recovery.signal'), '')
    const { uid, gid } = statSync(inDatabase('PG_VERSION'))
    await chown(inDatabase('recovery.signal'), uid, gid)
    const releases = new Releases()
    const starting = startEmbeddedPostgres({ dataDir, releases })
    const refused = expect(starting).rejects.toThrow('did not start')
    await waitFor('the server to be coming up', () => existsSync(inDatabase('postmaster.pid')))
    const startedMs = performance.now()
    await releases.run()
    expect(performance.now() - startedMs).toBeLessThan(8_000)
    expect(await findServerIn(largerDisk)).toBeUndefined()
    await refused
  },
)
