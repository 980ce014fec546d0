import { hashSecret, sameHash } from '@telltale/infra/secrets'
import { admitCertificate } from '@telltale/infra/storage/credentials'
import { enrol } from '@telltale/infra/storage/enrolments'
import { findIntegration, noteIntegrationConnected } from '@telltale/infra/storage/integrations'
import type { Pool } from '@telltale/infra/storage/pool'
import { isDeviceId, type ProblemCode, parseTopic } from './contract/index.ts'
import type { CredentialLookup } from './credential-lookup.ts'
import type { Peer } from './peer.ts'
import { mayPublish, PLATFORM_USER, type Principal } from './principals.ts'
import { DatabaseAway, type PromptDatabase } from './prompt-database.ts'
import type { Named, Proof, SignInMemory } from './sign-in-memory.ts'

/** CONNACK return codes, MQTT 3.1.1 table 3.1. */
export const connackCodes = {
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
} as const

export class RefusedError extends Error {
  /** Read by aedes. */
  readonly returnCode: number
  readonly code: ProblemCode
  constructor(returnCode: number, code: ProblemCode, message: string) {
    super(message)
    this.returnCode = returnCode
    this.code = code
  }
}

export interface AuthenticateDeps {
  pool: Pool
  /** Asked whether a credential is good; while it is away, `memory` knows who was let in lately. */
  database: PromptDatabase
  memory: SignInMemory
  credentials: CredentialLookup
  platformSecret: string
  enrolment: { mode: 'closed' | 'approve' | 'open'; keyHash: Buffer | undefined }
}

export interface Claim {
  username: string | undefined
  password: Buffer | undefined
  clientId: string
  peer: Peer
  willTopic: string | undefined
}

/** @throws RefusedError with the CONNACK code and the reason for the diagnostics */
export async function authenticate(deps: AuthenticateDeps, claim: Claim): Promise<Principal> {
  const principal = await identify(deps, claim)
  const { willTopic } = claim
  if (willTopic !== undefined && !mayPublish(principal, willTopic, parseTopic(willTopic)))
    throw notAuthorized('forbidden_will', `a Last Will on ${willTopic} is not allowed`)
  return principal
}

async function identify(deps: AuthenticateDeps, claim: Claim): Promise<Principal> {
  try {
    const { username, peer } = claim
    // Mutual TLS: the certificate is the proof, and its name the device's. Integrations bring their secret as well.
    if (peer.certificate && !username?.startsWith('@'))
      return await byCertificate(deps, claim, peer.certificate)
    if (username === PLATFORM_USER) return byPlatformSecret(deps, claim)
    if (username?.startsWith('@')) return await byIntegrationSecret(deps, claim, username.slice(1))
    return await byDeviceSecret(deps, claim)
  } catch (error) {
    if (error instanceof RefusedError) throw error
    throw new RefusedError(connackCodes.serverUnavailable, 'database_away', 'the database is away')
  }
}

function byPlatformSecret({ platformSecret }: AuthenticateDeps, { password }: Claim): Principal {
  if (password && sameHash(hashSecret(password), hashSecret(platformSecret))) return { kind: 'platform' }
  throw wrongSecret()
}

async function byIntegrationSecret(deps: AuthenticateDeps, claim: Claim, name: string): Promise<Principal> {
  if (!claim.password || !isDeviceId(name)) throw wrongSecret()
  const credentialHash = hashSecret(claim.password)
  const proof: Proof = { name: `@${name}`, kind: 'secret', hash: credentialHash }
  return fromMemoryWhileAway(deps, proof, async () => {
    const found = await deps.database.ask((pool) => findIntegration(pool, name))
    if (!found) throw badCredentials('unknown_device', `there is no integration called ${name}`)
    if (!sameHash(found.hash, credentialHash)) throw wrongSecret()
    // A note, and no condition: it is not waited for, and a database that only reads lets in all the same.
    void noteIntegrationConnected(deps.pool, name).catch(() => {})
    return { kind: 'integration', name, read: found.read, write: found.write, credentialHash }
  })
}

/**
 * The database decides. Only while it does not answer is somebody let in because it let him in before, by the same
 * proof; whoever is not remembered comes again later.
 */
async function fromMemoryWhileAway(
  { memory }: AuthenticateDeps,
  proof: Proof,
  ask: () => Promise<Named>,
): Promise<Named> {
  const askedMs = performance.now()
  try {
    const principal = await ask()
    memory.remember(principal, proof.kind, askedMs)
    return principal
  } catch (error) {
    if (error instanceof RefusedError) memory.refused(proof)
    const known = error instanceof DatabaseAway ? memory.find(proof) : undefined
    if (!known) throw error
    return known
  }
}

async function byDeviceSecret(deps: AuthenticateDeps, claim: Claim): Promise<Principal> {
  const { username: deviceId, password } = claim
  if (deviceId === undefined || password === undefined || !isDeviceId(deviceId))
    throw badCredentials('wrong_secret', 'user name (the device id) and password (its secret) are needed')
  const credentialHash = hashSecret(password)
  const device = { kind: 'device' as const, deviceId, credentialHash }
  return fromMemoryWhileAway(deps, { name: deviceId, kind: 'secret', hash: credentialHash }, async () => {
    const found = await deps.credentials.find(deviceId)
    if (!found) {
      await enrolDevice(deps, claim, device)
      return device
    }
    if (!found.hashes.some((known) => sameHash(known, credentialHash))) throw wrongSecret()
    if (found.disabled) throw disabled()
    return device
  })
}

/** An unknown device that shows the enrolment key. @throws RefusedError unless it is registered by that */
async function enrolDevice(
  { pool, enrolment: { mode, keyHash } }: AuthenticateDeps,
  { clientId, peer }: Claim,
  { deviceId, credentialHash }: { deviceId: string; credentialHash: Buffer },
): Promise<void> {
  if (mode === 'closed' || !keyHash || !sameHash(keyHash, credentialHash))
    throw badCredentials('unknown_device', `there is no device called ${deviceId}`)
  const { address } = peer
  switch (await enrol(pool, { deviceId, hash: credentialHash, address, clientId, mode })) {
    case 'enrolled':
      return
    case 'waiting':
      throw notAuthorized('enrolment_waiting', 'the device waits for somebody to approve it')
    case 'rejected':
      throw notAuthorized('enrolment_rejected', 'the enrolment of this device was rejected')
    case 'full':
      throw notAuthorized('enrolment_full', 'too many devices wait to be approved')
  }
}

async function byCertificate(
  deps: AuthenticateDeps,
  { username }: Claim,
  { commonName: deviceId, fingerprint }: NonNullable<Peer['certificate']>,
): Promise<Principal> {
  if (username !== undefined && username !== deviceId)
    throw notAuthorized(
      'certificate_mismatch',
      `the certificate is for ${deviceId}, the user name is ${username}`,
    )
  if (!isDeviceId(deviceId))
    throw notAuthorized('certificate_mismatch', "the certificate's common name is no device id")
  const proof: Proof = { name: deviceId, kind: 'certificate', hash: fingerprint }
  return fromMemoryWhileAway(deps, proof, async () => {
    switch (await deps.database.ask((pool) => admitCertificate(pool, { deviceId, fingerprint }))) {
      case 'known':
        return { kind: 'device', deviceId, credentialHash: fingerprint }
      case 'revoked':
        throw notAuthorized('certificate_revoked', 'the certificate is revoked')
      case 'full':
        throw notAuthorized('certificate_revoked', 'the device has as many certificates as it may have')
      case 'disabled':
        throw disabled()
      case 'unknown_device':
        throw badCredentials('unknown_device', `there is no device called ${deviceId}`)
    }
  })
}

function badCredentials(code: ProblemCode, message: string): RefusedError {
  return new RefusedError(connackCodes.badUserNameOrPassword, code, message)
}

function notAuthorized(code: ProblemCode, message: string): RefusedError {
  return new RefusedError(connackCodes.notAuthorized, code, message)
}

function wrongSecret(): RefusedError {
  return badCredentials('wrong_secret', 'wrong secret')
}

function disabled(): RefusedError {
  return notAuthorized('disabled', 'the device is disabled')
}
