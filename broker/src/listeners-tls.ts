import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls'
import { ConfigError } from '@telltale/infra/config'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import { expiryWarning, readTlsFiles, type TlsFiles, type TlsMaterial } from '@telltale/infra/tls-files'
import {
  type Acceptor,
  type Address,
  addressOf,
  ignoreErrors,
  listen,
  socketOptions,
  stopAccepting,
} from './listeners.ts'
import type { Peer } from './peer.ts'
import { repeat } from './repeat.ts'
import { explainTlsError, type TlsProblem } from './tls-problems.ts'

export interface TlsListenerOptions extends Address, TlsFiles {
  log: Logger
  /** A connection that did not come about. */
  onProblem: (problem: TlsProblem) => void
}

/** Forward secrecy and authenticated encryption only; the client chooses, who knows what its hardware is good at. */
const CIPHERS = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':')

/** @throws ConfigError when the files cannot be used */
export async function listenTls(
  broker: Acceptor,
  options: TlsListenerOptions,
  releases: Releases,
): Promise<void> {
  const reading = readTlsFiles(options)
  if ('problems' in reading) throw new ConfigError(reading.problems)
  const server = createServer({ ...contextOptions(reading.material), ...serverOptions(options) })
  server.on('secureConnection', (socket) => acceptSocket(broker, options, socket))
  // Of a socket that is closed already nothing is known any more, and that is when most errors are told.
  const addresses = new WeakMap<Socket, string | null>()
  server.on('connection', (socket) => addresses.set(socket, addressOf(socket)))
  server.on('tlsClientError', (error, socket) => {
    const below = socketBelow(socket)
    const address = (below && addresses.get(below)) ?? addressOf(socket)
    // After a timeout Node leaves it open.
    socket.destroy()
    options.onProblem({ ...explainTlsError(error, socket), address })
  })
  await listen(server, options, 'TELLTALE_MQTTS_PORT')
  releases.add('MQTT TLS listener', () => stopAccepting(server))
  followFiles({ server, options, first: reading.material }, releases)
}

/** What new certificates replace. All of it must be given again each time: Node takes the rest from its defaults. */
function contextOptions({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants
  return {
    cert,
    key,
    ca: clientCa,
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    // With client certificates no session is resumed: each connection proves itself again, to today's authorities.
    secureOptions: SSL_OP_NO_RENEGOTIATION | (clientCa === undefined ? 0 : SSL_OP_NO_TICKET),
  }
}

function serverOptions({ clientCa }: TlsFiles): TlsOptions {
  const isMutual = clientCa !== undefined
  return {
    ...socketOptions,
    handshakeTimeout: limits.listeners.handshakeTimeoutMs,
    // A client that says what it speaks must say MQTT: no browser can be led here. Most devices say nothing.
    ALPNProtocols: ['mqtt'],
    requestCert: isMutual,
    rejectUnauthorized: isMutual,
  }
}

function acceptSocket(
  broker: Acceptor,
  { clientCa, onProblem }: TlsListenerOptions,
  socket: TLSSocket,
): void {
  ignoreErrors(socket)
  const peer: Peer = { address: addressOf(socket), listener: 'tls' }
  if (clientCa === undefined) return broker.accept(socket, peer)
  const certificate = certificateOf(socket)
  if (certificate) return broker.accept(socket, { ...peer, certificate })
  // The net under `rejectUnauthorized`: a session key alone would count as authorized, too.
  onProblem({ code: 'no_certificate', address: peer.address, detail: 'no certificate came with the session' })
  socket.destroy()
}

function certificateOf(socket: TLSSocket): Peer['certificate'] {
  const { subject, fingerprint256 } = socket.getPeerCertificate()
  if (!socket.authorized || !fingerprint256) return undefined
  // Several common names would leave open which one is meant.
  const commonName = typeof subject?.CN === 'string' ? subject.CN : ''
  return { commonName, fingerprint: Buffer.from(fingerprint256.replaceAll(':', ''), 'hex') }
}

/** Not in Node's types; an address that is missing in an error is all that depends on it. */
function socketBelow(socket: TLSSocket): Socket | undefined {
  return (socket as { _parent?: Socket })._parent
}

/** New files are served without a restart: soon after they change, and at once on SIGHUP. */
function followFiles(
  { server, options, first }: { server: Server; options: TlsListenerOptions; first: TlsMaterial },
  releases: Releases,
): void {
  const { log } = options
  let served = first
  let said = ''
  const sayOnce = (text: string, say: () => void) => {
    if (text && text !== said) say()
    said = text
  }
  const check = async () => {
    const reading = readTlsFiles(options)
    if ('problems' in reading) {
      const { problems } = reading
      return sayOnce(problems.join(), () =>
        log.error({ problems }, 'new TLS files are wrong; the former are used'),
      )
    }
    const { material } = reading
    if (!isSame(material, served)) {
      server.setSecureContext(contextOptions(material))
      served = material
      log.info({ expiresAt: material.expiresAt }, 'new TLS files are used')
    }
    const warning = expiryWarning(served.expiresAt, new Date()) ?? ''
    sayOnce(warning, () => log.warn(warning))
  }
  const onHangUp = () => void check()
  process.on('SIGHUP', onHangUp)
  releases.add('SIGHUP', () => process.off('SIGHUP', onHangUp))
  void check()
  repeat(releases, log, { what: 'TLS files', everyMs: limits.listeners.tlsFilesCheckMs, work: check })
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.cert === b.cert && a.key === b.key && a.clientCa === b.clientCa
}
