import { once } from 'node:events'
import { createServer } from 'node:net'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { processesOf } from '@telltale/infra/testing/processes'
import { createSite, type Site, type StartOptions, startProduct } from '@telltale/infra/testing/product'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let site: Site

beforeEach(async () => {
  site = await createSite()
})
afterEach(() => site?.remove())

/** A start that must fail: its exit code and its lines. */
async function refusal(options: StartOptions): Promise<{ code: number | null; lines: string[] }> {
  const product = startProduct(site, options)
  const code = await product.exitCode()
  expect(product.stdout()).toBe('')
  expect(await processesOf(site.dataDir)).toEqual([])
  // Sources edited since the last build are built first, and that is said.
  const lines = product.output().trim().split('\n')
  return { code, lines: lines.filter((line) => line !== 'telltale: Building …') }
}

describe('a start that cannot be', () => {
  it('O-START-20 a port in use: one line for each, with the port and the variable to change', async () => {
    const taken = [site.http, site.ws].map((port) => createServer().listen(port, '127.0.0.1'))
    await Promise.all(taken.map((server) => once(server, 'listening')))
    const { code, lines } = await refusal({})
    for (const server of taken) server.close()
    expect(code).toBe(1)
    expect(lines).toEqual([
      `telltale: port ${site.http} is in use; free it or set TELLTALE_HTTP_PORT to another port`,
      `telltale: port ${site.ws} is in use; free it or set TELLTALE_MQTT_WS_PORT to another port`,
    ])
  })

  it.each(['/proc/nope', '/dev/null/data'])('O-START-21 an unwritable data folder: %s', async (dataDir) => {
    const { code, lines } = await refusal({ env: { TELLTALE_DATA_DIR: dataDir } })
    expect(code).toBe(1)
    expect(lines).toEqual([expect.stringContaining(`cannot write to the data folder ${dataDir} (E`)])
  })

  it.each(['TELLTALE_DATABASE_URL', 'DATABASE_URL'])(
    'O-START-22 a database that does not answer, in %s: where, and never the password; it can be stopped',
    async (variable) => {
      const product = startProduct(site, {
        env: { [variable]: 'postgres://someone:my-secret-word@127.0.0.1:9/telltale' },
      })
      const isTold = () => /cannot reach the database .*127\.0\.0\.1:9.*; trying again/.test(product.output())
      await waitFor('the line', isTold)
      expect((await product.stop()).code).toBe(1)
      expect(product.output()).toContain('telltale: stopped before the start was done')
      expect(product.output()).not.toContain('my-secret-word')
    },
  )

  it('R-START-15 a database that comes later is waited for', async () => {
    const database = await createTestDatabase()
    const proxy = await startDatabaseProxy(database.url)
    proxy.refuse()
    const product = startProduct(site, { args: ['--no-demo'], env: { TELLTALE_DATABASE_URL: proxy.url } })
    try {
      await waitFor('the line', () => product.output().includes('; trying again for 60 s'))
      proxy.pass()
      expect((await product.block()).publishLine).toContain('mosquitto_pub')
    } finally {
      await product.stop()
      await proxy.close()
      await database.drop()
    }
  })

  it('O-START-23 wrong settings and arguments: all at once', async () => {
    const { code, lines } = await refusal({
      args: ['--demo=no'],
      env: {
        TELLTALE_HTTP_PORT: 'eighty',
        TELLTALE_MQTT_PORT: '70000',
        TELLTALE_LOG_LEVEL: 'loud',
        TELLTALE_ADMIN_PASSWORD: 'short',
        TELLTALE_RETENTION_DAYS: '-1',
        TELLTALE_REDIS_URL: 'http://127.0.0.1',
      },
    })
    expect(code).toBe(2)
    const named = [
      '--demo=no',
      'TELLTALE_HTTP_PORT',
      'TELLTALE_MQTT_PORT',
      'TELLTALE_LOG_LEVEL',
      'TELLTALE_ADMIN_PASSWORD',
      'TELLTALE_RETENTION_DAYS',
      'TELLTALE_REDIS_URL',
    ]
    expect(named.filter((name) => !lines.some((line) => line.includes(name)))).toEqual([])
    expect(lines).toHaveLength(1 + named.length)
    expect(lines.join()).not.toContain('short')
  })

  it('O-START-24 an unknown argument', async () => {
    const { code, lines } = await refusal({ args: ['--port', '9000'] })
    expect(code).toBe(2)
    expect(lines.join()).toContain('--port is not an option of npm start; only --no-demo is')
  })

  it('O-START-25 another address than loopback without TLS is refused', async () => {
    const { code, lines } = await refusal({ env: { TELLTALE_MQTT_HOST: '0.0.0.0' } })
    expect(code).toBe(2)
    expect(lines.join()).toContain('TELLTALE_MQTT_HOST: 0.0.0.0 would carry secrets unencrypted')
  })
})
