import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeEngines } from '@telltale/infra/testing/database'
import { createEmptyDatabase, dumpMissing, runStorage } from '@telltale/infra/testing/storage-cli'
import { expect, it } from 'vitest'
import { FaultWorld } from './fault-world.ts'

const isDumpMissing = { plain: await dumpMissing('plain'), timescale: await dumpMissing('timescale') }

describeEngines('a backup under load', (engine) => {
  it.skipIf(isDumpMissing[engine.name])(
    'R-DB-19 has everything that was acknowledged before it began, once, and nothing that was not sent',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'telltale-backup-'))
      const file = join(folder, 'telltale.dump')
      const world = await FaultWorld.open({ database: await engine.createDatabase() })
      const target = await createEmptyDatabase(engine.name)
      try {
        await world.load.goesOn(20)
        const before = world.load.snapshot()
        const written = await runStorage(['backup', '--from', world.database.url, '--file', file]).ended
        expect(written.code, written.stderr).toBe(0)
        await world.load.goesOn()
        const restored = await runStorage(['restore', '--file', file, '--to', target.url]).ended
        expect(restored.code, restored.stderr).toBe(0)
        expect(await world.load.faultsIn(target.pool, before)).toEqual([])
        expect(await world.load.faults()).toEqual([])
      } finally {
        await world.close()
        await target.drop()
        await rm(folder, { recursive: true })
      }
    },
    60_000,
  )
})
