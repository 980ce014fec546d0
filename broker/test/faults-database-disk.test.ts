import { execFileSync } from 'node:child_process'
import { chown, cp, mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmbeddedDatabase, startEmbeddedPostgres } from '@telltale/infra/postgres'
import { migrate } from '@telltale/infra/storage/migrate'
import { createPool } from '@telltale/infra/storage/pool'
import { administer } from '@telltale/infra/testing/administer'
import { testFolder } from '@telltale/infra/testing/folder'
import { random } from '@telltale/infra/testing/random'
import { SmallDisk, smallDisksMissing } from '@telltale/infra/testing/small-disk'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { FaultWorld } from './fault-world.ts'

const SEED = 20_260_726
const KILLS = 3
const SHORT = 20
const SUPERVISED_MS = 200

const isMissing = smallDisksMissing()
const disks: SmallDisk[] = []
let server: EmbeddedDatabase
let serverDir = ''
let world: FaultWorld
let supervisor: NodeJS.Timeout | undefined

/** A server of its own, with the readings on one small disk and the write-ahead log on another. */
beforeAll(async () => {
  await mkdir(testFolder, { recursive: true })
  const dataDir = await mkdtemp(join(testFolder, 'server-'))
  serverDir = join(dataDir, 'postgres')
  server = await startEmbeddedPostgres({ dataDir })
  await administer(server.url, `ALTER SYSTEM SET min_wal_size = '32MB'`)
  if (!isMissing) await moveToSmallDisks()
  await migrate(server.url)
  const pool = createPool({ url: server.url, name: 'test', max: 4 })
  const database = { url: server.url, pool, drop: () => pool.end() }
  world = await FaultWorld.open({ database })
})
beforeEach(() => world.tellWhy())
afterEach(async () => {
  clearInterval(supervisor)
  for (const disk of disks) await disk.free()
  await waitFor('the server', () => mended(), 30_000)
  world.proxy.pass()
})
afterAll(async () => {
  await world?.close()
  await server?.stop()
  for (const disk of disks) disk.remove()
})

async function moveToSmallDisks(): Promise<void> {
  const data = new SmallDisk(48)
  const log = new SmallDisk(64)
  disks.push(data, log)
  const { uid, gid } = await stat(serverDir)
  const tablespace = join(data.folder, 'readings')
  await mkdir(tablespace)
  await chown(tablespace, uid, gid)
  await administer(server.url, `CREATE TABLESPACE small LOCATION '${tablespace}'`)
  await administer(server.url, 'ALTER DATABASE telltale SET TABLESPACE small')
  await server.stop()
  const place = join(serverDir, 'pg_wal')
  await cp(place, join(log.folder, 'pg_wal'), { recursive: true })
  execFileSync('chown', ['-R', `${uid}:${gid}`, join(log.folder, 'pg_wal')])
  await rm(place, { recursive: true })
  await symlink(join(log.folder, 'pg_wal'), place)
  await server.ensureRunning()
}

/** As `npm start` does it. */
function supervise(): void {
  let isMending = false
  supervisor = setInterval(() => {
    if (isMending) return
    isMending = true
    // While its disk is full it does not start.
    server
      .ensureRunning()
      .catch(() => {})
      .finally(() => {
        isMending = false
      })
  }, SUPERVISED_MS)
}

const mended = () =>
  world.database.pool.query('SELECT 1').then(
    () => true,
    () => false,
  )

/** Resolves when the server has written that into its log once more. */
async function inServerLog(words: string): Promise<() => Promise<void>> {
  const count = async () => (await readFile(join(serverDir, 'server.log'), 'utf8')).split(words).length
  const before = await count()
  return async () => {
    await waitFor(`word of: ${words}`, async () => (await count()) > before)
  }
}

it('R-DB-11 kill -9 of the server, again and again: acknowledged all the while, stored once', async () => {
  const next = random(SEED)
  supervise()
  for (let i = 0; i < KILLS; i++) {
    await sleep(next() * 300)
    process.kill(Number.parseInt(await readFile(join(serverDir, 'postmaster.pid'), 'utf8'), 10), 'SIGKILL')
    await world.load.goesOn()
    await waitFor('the server', mended, 30_000)
  }
  await world.recovered(20_000)
  expect(await world.load.faults(), `seed ${SEED}`).toEqual([])
}, 60_000)

it.skipIf(isMissing)(
  'R-DB-12 the disk of the readings is full: acknowledged all the while, stored once',
  async () => {
    const told = await inServerLog('No space left on device')
    await disks[0]?.fill()
    await told()
    await waitFor('the spool', async () => (await world.segments()).length > 0)
    await world.load.goesOn(SHORT)
    await disks[0]?.free()
    await world.recovered(20_000)
    expect(await world.load.faults()).toEqual([])
  },
)

it.skipIf(isMissing)(
  'R-DB-13 the disk of the write-ahead log is full: the server dies, nothing is lost',
  async () => {
    supervise()
    const died = await inServerLog('PANIC:')
    await disks[1]?.fill()
    await world.database.pool.query('SELECT pg_switch_wal()').catch(() => {})
    await died()
    await world.load.goesOn(SHORT)
    await disks[1]?.free()
    await world.recovered(30_000)
    expect(await world.load.faults()).toEqual([])
  },
  60_000,
)
