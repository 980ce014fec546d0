import { execFileSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { startTestApi } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { TestClients } from './clients.ts'
import { descriptorsOf, expectWhole, flowsAgain, followStream, RECOVERED_WITHIN_MS } from './faults.ts'
import { Witness } from './witness.ts'

/** How many more a program may open. */
const ROOM = 30
/** Enough for itself when there are hundreds. */
const AMPLE = 4_096

let database: TestDatabase
let broker: TestBroker
let count = 0
const clients = new TestClients(() => broker.url)
const witnesses: Witness[] = []
let crowd: Crowd | undefined

describe.skipIf(process.platform !== 'linux' || toolMissing('prlimit'))(
  'no file descriptors are left',
  () => {
    beforeAll(async () => {
      database = await createTestDatabase()
      broker = await startTestBroker(database.url)
    })
    afterEach(async () => {
      crowd?.leave()
      allow(broker.program.process.pid, AMPLE)
      await Promise.all(witnesses.splice(0).map((witness) => witness.end()))
      await clients.end()
    })
    afterAll(async () => {
      expect(await broker?.program.stop()).toBe(0)
      await database?.drop()
    })

    async function startWitness(): Promise<Witness> {
      const witness = await Witness.connect(broker.url, await registerDevice(database.pool, `d${++count}`))
      witnesses.push(witness)
      witness.start()
      await flowsAgain(witness)
      return witness
    }

    it('R-PROC-5 of the broker: those there are go on, others are closed and come in when some are free again', async () => {
      const { pid } = broker.program.process
      const witness = await startWitness()
      crowd = await exhaust(pid, broker.port)
      expect(await clients.outcome(await registerDevice(database.pool, 'outside'))).toBe('closed')
      await flowsAgain(witness, 50)
      crowd.leave()
      const outside = { username: 'outside', password: 'secret-of-outside' }
      await waitFor('room', async () => (await clients.outcome(outside)) === 'connected', RECOVERED_WITHIN_MS)
      await expectWhole(database.pool, witness)
      expect(broker.program.process.pid).toBe(pid)
    })

    it('R-PROC-6 of the broker, and the database cuts it off just then: nothing is lost, all is stored afterwards', async () => {
      const { pid } = broker.program.process
      const witness = await startWitness()
      crowd = await exhaust(pid, broker.port)
      const left = crowd
      await database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name IN ('telltale-writer', 'telltale-broker')`,
      )
      // Whoever knocks takes what was freed.
      await waitFor('all of it to be taken again', async () => {
        await left.knock(5)
        return (await descriptorsOf(pid)) >= left.limit - 1
      })
      // Longer than the database may be away before the broker turns to its own disk, which takes a descriptor too.
      const beganMs = performance.now()
      await waitFor('some time without a database', () => performance.now() - beganMs > 2_500)
      expect(broker.program.output()).toContain('EMFILE')
      crowd.leave()
      await flowsAgain(witness)
      await expectWhole(database.pool, witness)
      expect(broker.program.process.pid).toBe(pid)
      expect(broker.program.process.exitCode).toBe(null)
    })

    it('R-PROC-7 of the API: its streams go on, and it answers again when some are free', async () => {
      const api = await startTestApi(database, broker)
      try {
        const { pid } = api.program.process
        const witness = await startWitness()
        const stream = await followStream(api, witness.deviceId)
        await waitFor('live readings', () => stream.text.includes('"count"'))
        crowd = await exhaust(pid, api.port)
        const before = stream.text.length
        await waitFor('more of the stream', () => stream.text.length > before + 1_000)
        crowd.leave()
        await waitFor('an answer', async () => {
          const answer = await api.call(`GET /devices/${witness.deviceId}`).catch(() => undefined)
          return answer?.status === 200
        })
        expect(stream.isOver).toBe(false)
        stream.close()
        await expectWhole(database.pool, witness)
      } finally {
        expect(await api.program.stop()).toBe(0)
      }
    })
  },
)

/** A limit that the program has from now on. */
function allow(pid: number | undefined, limit: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:${AMPLE}`])
}

/** Connections that say nothing, and take every descriptor a program has left. */
interface Crowd {
  limit: number
  /** So many more try to come in. */
  knock: (more: number) => Promise<void>
  leave: () => void
}

async function exhaust(pid: number | undefined, port: number): Promise<Crowd> {
  const limit = (await descriptorsOf(pid)) + ROOM
  allow(pid, limit)
  const sockets: Socket[] = []
  let turnedAway = 0
  const gathering: Crowd = {
    limit,
    knock: async (more) => {
      for (let i = 0; i < more; i++) {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => turnedAway++)
        sockets.push(socket)
        await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
      }
    },
    leave: () => {
      for (const socket of sockets.splice(0)) socket.destroy()
    },
  }
  await waitFor('no descriptor to be left', async () => {
    await gathering.knock(10)
    return turnedAway > 0 && (await descriptorsOf(pid)) >= limit - 1
  })
  return gathering
}
