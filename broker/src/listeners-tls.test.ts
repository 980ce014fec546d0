import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { Releases } from '@telltale/infra/service'
import { createCertificates, type KeyPair } from '@telltale/infra/testing/certificates'
import { quietPort } from '@telltale/infra/testing/ports'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { listenTls } from './listeners-tls.ts'
import type { Peer } from './peer.ts'
import type { TlsProblem } from './tls-problems.ts'

/** Stands in for the broker: answers what it gets. */
class Echo {
  readonly peers: Peer[] = []
  accept(connection: Duplex, peer: Peer): void {
    this.peers.push(peer)
    connection.pipe(connection)
  }
}

describe.skipIf(toolMissing('openssl'))('the TLS listener', () => {
  const certificates = createCertificates()
  const live = {
    cert: certificates.ca.path.replace('ca.pem', 'live.pem'),
    key: certificates.ca.path.replace('ca.pem', 'live.key'),
  }
  let port: number
  let echo: Echo
  let problems: TlsProblem[]
  let logged: { level: string; text: string }[]
  let releases: Releases

  beforeAll(async () => {
    port = await quietPort()
  })
  afterAll(() => certificates.remove())
  beforeEach(() => {
    echo = new Echo()
    problems = []
    logged = []
    releases = new Releases()
    serve({ cert: certificates.serverCert, key: certificates.serverKey })
  })
  afterEach(() => releases.run())

  function serve({ cert, key }: KeyPair): void {
    copyFileSync(cert.path, live.cert)
    copyFileSync(key.path, live.key)
  }

  function start(clientCa?: string): Promise<void> {
    const record = (level: string) => (about: unknown, text?: string) =>
      logged.push({ level, text: text ?? String(about) })
    const log = { info: record('info'), warn: record('warn'), error: record('error') } as unknown as Logger
    const onProblem = (problem: TlsProblem) => problems.push(problem)
    return listenTls(echo, { host: '127.0.0.1', port, ...live, clientCa, log, onProblem }, releases)
  }

  /** @returns a connection that has had an answer; @throws when it was refused */
  async function talk(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port, ca: certificates.ca.pem, ...options })
    const failed = new Promise<never>((_resolve, reject) => {
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('closed')))
    })
    // With TLS 1.3 a client hears of its refusal only after it has begun to talk.
    socket.write('hello')
    const [answer] = await Promise.race([once(socket, 'data'), failed])
    expect(String(answer)).toBe('hello')
    failed.catch(() => {})
    return socket
  }

  const served = async () => {
    const socket = await talk()
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const fingerprintOf = ({ cert }: Pick<KeyPair, 'cert'>) => new X509Certificate(cert.pem).fingerprint256

  it('M-TLS-1 carries bytes both ways and says who connected', async () => {
    await start()
    const socket = await talk({ ALPNProtocols: ['mqtt'] })
    expect(socket.alpnProtocol).toBe('mqtt')
    expect(socket.getProtocol()).toBe('TLSv1.3')
    expect(echo.peers).toEqual([{ address: '127.0.0.1', listener: 'tls' }])
    socket.destroy()
    const older = await talk({ maxVersion: 'TLSv1.2' })
    expect(older.getCipher().name).toMatch(/^ECDHE-.*(GCM|CHACHA20)/)
    older.destroy()
    expect(problems).toEqual([])
  })

  it.each<[string, ConnectionOptions, TlsProblem['code']]>([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }, 'old_protocol'],
    ['a CBC cipher', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }, 'no_common_cipher'],
    ['HTTP over TLS', { ALPNProtocols: ['http/1.1'] }, 'wrong_application_protocol'],
    ['an authority the client does not know', { ca: certificates.foreignCa.pem }, 'handshake_aborted'],
  ])('M-TLS-2 refuses %s, says why, and serves the next', async (_what, options, code) => {
    await start()
    await expect(talk(options)).rejects.toThrow()
    const problem = await waitFor('the problem', () => problems[0])
    expect(problem).toMatchObject({ code, address: '127.0.0.1' })
    expect(problem.detail).toMatch(/^the (client|TLS)/)
    expect(echo.peers).toEqual([])
    ;(await talk()).destroy()
  })

  it('M-TLS-3 plain MQTT and HTTP on the TLS port are closed, and are told apart from TLS', async () => {
    await start()
    const connectPacket = Buffer.from('101000044d5154540402003c000474657374', 'hex')
    for (const bytes of [connectPacket, Buffer.from('GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n')]) {
      const socket = connectTcp(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      socket.write(bytes)
      await once(socket, 'close')
    }
    await waitFor('both problems', () => problems.length === 2)
    expect(problems).toMatchObject([
      { code: 'plaintext', address: '127.0.0.1' },
      { code: 'plaintext', address: '127.0.0.1' },
    ])
    ;(await talk()).destroy()
  })

  it('M-TLS-4 a handshake that does not get on is cut off', async () => {
    await start()
    const startedMs = performance.now()
    const silent = connectTcp(port, '127.0.0.1')
    silent.on('error', () => {})
    silent.resume()
    await once(silent, 'close')
    const tookMs = performance.now() - startedMs
    expect(tookMs).toBeGreaterThan(limits.listeners.handshakeTimeoutMs - 100)
    expect(tookMs).toBeLessThan(limits.listeners.handshakeTimeoutMs + 3_000)
    expect(problems).toMatchObject([{ code: 'handshake_timeout', address: '127.0.0.1' }])
  })

  it('M-TLS-5 a connection that is reset, early or late, ends nothing but itself', async () => {
    await start()
    const early = connectTcp(port, '127.0.0.1')
    await once(early, 'connect')
    early.resetAndDestroy()
    await waitFor('the problem', () => problems[0])
    expect(problems).toMatchObject([{ code: 'handshake_aborted', address: '127.0.0.1' }])
    const raw = connectTcp(port, '127.0.0.1')
    const late = await talk({ socket: raw })
    raw.resetAndDestroy()
    late.destroy()
    ;(await talk()).destroy()
  })

  describe('with an authority for devices', () => {
    beforeEach(() => start(certificates.ca.path))
    const offer = ({ cert, key }: KeyPair): ConnectionOptions => ({ cert: cert.pem, key: key.pem })

    it.each(['TLSv1.3', 'TLSv1.2'] as const)(
      'M-TLS-6 passes on whose certificate it was: %s',
      async (version) => {
        const pair = certificates.client('kitchen')
        const socket = await talk({ ...offer(pair), maxVersion: version })
        const fingerprint = createHash('sha256').update(new X509Certificate(pair.cert.pem).raw).digest()
        const certificate = { commonName: 'kitchen', fingerprint }
        expect(echo.peers).toEqual([{ address: '127.0.0.1', listener: 'tls', certificate }])
        socket.destroy()
      },
    )

    it.each<[string, KeyPair | undefined, TlsProblem['code']]>([
      ['no certificate', undefined, 'no_certificate'],
      ['an expired one', certificates.expiredClient('kitchen'), 'certificate_expired'],
      ['one of another authority', certificates.foreignClient('kitchen'), 'certificate_not_trusted'],
      ["a server's", certificates.server(), 'certificate_not_trusted'],
    ])('M-TLS-7 without a valid certificate there is no connection: %s', async (_what, pair, code) => {
      for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
        problems.length = 0
        await expect(talk({ ...(pair && offer(pair)), maxVersion })).rejects.toThrow()
        const problem = await waitFor('the problem', () => problems[0])
        expect(problem, maxVersion).toMatchObject({ code, address: '127.0.0.1' })
      }
      expect(echo.peers).toEqual([])
    })

    it('M-TLS-8 no session is resumed: each connection shows its certificate again', async () => {
      const pair = certificates.client('kitchen')
      for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
        const first = connect({
          host: '127.0.0.1',
          port,
          ca: certificates.ca.pem,
          ...offer(pair),
          maxVersion,
        })
        const sessions: Buffer[] = []
        first.on('session', (session: Buffer) => sessions.push(session))
        first.write('hello')
        await once(first, 'data')
        first.destroy()
        const session = sessions[0] ?? first.getSession()
        const again = await talk({ ...offer(pair), maxVersion, session })
        expect(again.isSessionReused(), maxVersion).toBe(false)
        again.destroy()
        await expect(talk({ maxVersion, session }), 'a session without a certificate').rejects.toThrow()
      }
    })
  })

  it('M-TLS-9 serves new files on SIGHUP, to new connections, and keeps the live ones', async () => {
    await start()
    const before = await talk()
    const other = certificates.server()
    serve(other)
    process.kill(process.pid, 'SIGHUP')
    await waitFor('the new certificate', async () => (await served()) === fingerprintOf(other))
    before.write('still')
    expect(String((await once(before, 'data'))[0])).toBe('still')
    before.destroy()
    expect(logged).toContainEqual({ level: 'info', text: 'new TLS files are used' })
  })

  it('M-TLS-9 notices new files without a signal', async () => {
    await start()
    const other = certificates.server()
    serve(other)
    await waitFor('the new certificate', async () => (await served()) === fingerprintOf(other), 15_000)
  })

  it('M-TLS-10 keeps the former files while the new ones are wrong, and says so once', async () => {
    await start()
    const before = await served()
    const errors = () => logged.filter(({ level }) => level === 'error').length
    for (const [count, wrong] of ['', certificates.server().cert.pem, 'no certificate'].entries()) {
      writeFileSync(live.cert, wrong)
      process.kill(process.pid, 'SIGHUP')
      await waitFor(`error ${count + 1}`, () => errors() === count + 1)
      expect(await served()).toBe(before)
    }
    process.kill(process.pid, 'SIGHUP')
    serve(certificates.server())
    process.kill(process.pid, 'SIGHUP')
    await waitFor('the new certificate', async () => (await served()) !== before)
    expect(errors()).toBe(3)
  })

  it('M-TLS-10 an expired certificate is served with a warning', async () => {
    serve(certificates.expiredServer())
    await start()
    expect(logged).toMatchObject([{ level: 'warn', text: expect.stringContaining('expired on 20') }])
    await expect(talk()).rejects.toThrow('expired')
    ;(await talk({ rejectUnauthorized: false })).destroy()
  })

  it('M-TLS-11 does not start with wrong files', async () => {
    writeFileSync(live.key, certificates.server().key.pem)
    await expect(start()).rejects.toThrow(
      `TELLTALE_TLS_KEY: ${live.key} is not the key of the certificate in ${live.cert}`,
    )
  })
})
