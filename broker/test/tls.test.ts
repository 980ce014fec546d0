import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { promisify } from 'node:util'
import { listCredentials, revokeCredential, updateDevice } from '@telltale/infra/storage/devices'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { type Certificates, createCertificates, type KeyPair } from '@telltale/infra/testing/certificates'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { quietPort } from '@telltale/infra/testing/ports'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { diagnosis, storedValues, TestClients, tellRevoked } from './clients.ts'
import { nextEvent } from './events.ts'

let certificates: Certificates
let database: TestDatabase
let broker: TestBroker
let port: number
const clients = new TestClients(() => `mqtts://127.0.0.1:${port}`)
const plain = new TestClients(() => broker.url)

function start(env: () => Record<string, string>) {
  beforeAll(async () => {
    certificates = createCertificates()
    database = await createTestDatabase()
    port = await quietPort()
    broker = await startTestBroker(database.url, {
      TELLTALE_MQTTS_PORT: String(port),
      TELLTALE_TLS_CERT: certificates.serverCert.path,
      TELLTALE_TLS_KEY: certificates.serverKey.path,
      ...env(),
    })
  })
  afterEach(async () => {
    await clients.end()
    await plain.end()
  })
  afterAll(async () => {
    expect(await broker?.program.stop()).toBe(0)
    await database?.drop()
    certificates?.remove()
  })
}

const trusting = (): IClientOptions => ({ ca: certificates.ca.pem })
const withPair = ({ cert, key }: KeyPair): IClientOptions => ({
  ...trusting(),
  cert: cert.pem,
  key: key.pem,
})

/** The only row there is of failed handshakes: they give no name. Its detail is that of the last. */
async function tlsDiagnosis(detail: RegExp): Promise<void> {
  await waitFor(`the diagnosis ${detail}`, async () => {
    const problem = await diagnosis(database.pool, 'tls_failed')
    return problem.address === '127.0.0.1' && detail.test(problem.detail)
  })
}

describe.skipIf(toolMissing('openssl'))('MQTT over TLS', () => {
  start(() => ({}))

  it('S-TLS-1 a device signs in with its secret, and its readings are stored', async () => {
    const credentials = await registerDevice(database.pool, 'kitchen')
    const device = await clients.attach({ ...trusting(), ...credentials })
    await device.publishAsync(topics.telemetry('kitchen'), '{"a":1}', { qos: 1 })
    expect(await storedValues(database.pool, 'kitchen')).toEqual({ a: [1] })
    expect(await clients.outcome({ ...trusting(), ...credentials, password: 'wrong' })).toBe(4)
    expect(await clients.outcome(trusting())).toBe(4)
  })

  it('S-TLS-2 who does not trust the server, or speaks no TLS, does not get in, and can be told why', async () => {
    expect(await clients.outcome({ ca: certificates.foreignCa.pem })).not.toBe('connected')
    await tlsDiagnosis(/trust/)
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00')
    socket.resume()
    await once(socket, 'close')
    await tlsDiagnosis(/does not speak TLS/)
  })
})

describe.skipIf(toolMissing('openssl'))('mutual TLS', () => {
  start(() => ({ TELLTALE_TLS_CLIENT_CA: certificates.ca.path }))

  it('S-MTLS-1 the certificate says which device it is, without a user name or with the same', async () => {
    await registerDevice(database.pool, 'kitchen')
    const pair = withPair(certificates.client('kitchen'))
    for (const [metric, options] of [
      ['nameless', pair],
      ['named', { ...pair, username: 'kitchen' }],
      ['with_any_password', { ...pair, username: 'kitchen', password: 'whatever' }],
    ] as const) {
      const device = await clients.attach(options)
      await device.publishAsync(topics.telemetry('kitchen'), `{"${metric}":1}`, { qos: 1 })
      expect(await storedValues(database.pool, 'kitchen')).toHaveProperty(metric)
    }
  })

  it('S-MTLS-2 it is good for no other device, whatever secret comes with it', async () => {
    const other = await registerDevice(database.pool, 'other')
    await registerDevice(database.pool, 'cellar')
    const pair = withPair(certificates.client('cellar'))
    expect(await clients.outcome({ ...pair, ...other })).toBe(5)
    await diagnosis(database.pool, 'certificate_mismatch', 'other')
    const device = await clients.attach(pair)
    const closed = nextEvent(device, 'close')
    device.publish(topics.telemetry('other'), '{"stolen":1}', { qos: 1 }, () => {})
    await closed
    expect(await storedValues(database.pool, 'other')).toEqual({})
  })

  it('S-MTLS-3 it registers nobody, and lets in nobody who is disabled', async () => {
    expect(await clients.outcome(withPair(certificates.client('unregistered')))).toBe(4)
    await diagnosis(database.pool, 'unknown_device', 'unregistered')
    expect(await clients.outcome(withPair(certificates.client('no device id')))).toBe(5)
    await registerDevice(database.pool, 'disabled')
    await updateDevice(database.pool, 'disabled', { disabled: true })
    expect(await clients.outcome(withPair(certificates.client('disabled')))).toBe(5)
  })

  it('S-MTLS-4 it becomes one credential; revoked, it ends the connection and opens no other', async () => {
    await registerDevice(database.pool, 'renewed')
    const pair = certificates.client('renewed')
    await (await clients.attach(withPair(pair))).endAsync()
    const device = await clients.attach(withPair(pair))
    const found = (await listCredentials(database.pool, 'renewed')).filter(
      ({ kind }) => kind === 'certificate',
    )
    expect(found).toHaveLength(1)
    const closed = nextEvent(device, 'close')
    await revokeCredential(database.pool, { deviceId: 'renewed', id: found[0]?.id ?? '' })
    const startedMs = performance.now()
    await tellRevoked(plain, broker, 'renewed')
    await closed
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(await clients.outcome(withPair(pair))).toBe(5)
    await diagnosis(database.pool, 'certificate_revoked', 'renewed')
    // Another certificate of the same device is another credential.
    await clients.attach(withPair(certificates.client('renewed')))
  })

  it('S-MTLS-5 an integration shows its secret as well, whatever name is in its certificate', async () => {
    const script = await registerIntegration(database.pool, 'script')
    const pair = withPair(certificates.client('kitchen'))
    expect(await clients.outcome({ ...pair, username: '@script' })).toBe(4)
    expect(await clients.outcome({ ...pair, ...script, password: 'wrong' })).toBe(4)
    const client = await clients.attach({ ...pair, ...script })
    await client.publishAsync('home/x', 'there', { qos: 1 })
  })

  it('S-MTLS-6 without a certificate of a trusted authority there is no connection, and a diagnosis', async () => {
    const credentials = await registerDevice(database.pool, 'bare')
    const outcomes = [
      [credentials, /no certificate/],
      [withPair(certificates.foreignClient('bare')), /no authority trusted/],
      [withPair(certificates.expiredClient('bare')), /has expired/],
    ] as const
    for (const [options, detail] of outcomes) {
      expect(await clients.outcome({ ...trusting(), ...options })).not.toBe('connected')
      await tlsDiagnosis(detail)
    }
    // Over TCP, its secret is enough.
    await plain.attach(credentials)
  })

  it.skipIf(toolMissing('mosquitto_pub'))('S-MTLS-7 mosquitto_pub, with its certificate alone', async () => {
    await registerDevice(database.pool, 'mosquitto')
    const { cert, key } = certificates.client('mosquitto')
    await promisify(execFile)('mosquitto_pub', [
      ...['-h', '127.0.0.1', '-p', String(port), '--cafile', certificates.ca.path],
      ...['--cert', cert.path, '--key', key.path],
      ...['-t', topics.telemetry('mosquitto'), '-q', '1', '-m', '{"a":1}'],
    ])
    expect(await storedValues(database.pool, 'mosquitto')).toEqual({ a: [1] })
  })
})
