import { hashSecret, sameHash } from '@telltale/infra/secrets'
import { findDeviceCredentials } from '@telltale/infra/storage/credentials'
import type { Pool } from '@telltale/infra/storage/pool'
import { filterIsOwn, isDeviceId, type Topic } from './contract/index.ts'

/** Who is at the other end. The API is one more MQTT client, trusted by the platform's own secret. */
export type Principal = { kind: 'platform' } | { kind: 'device'; deviceId: string; credentialHash: Buffer }

const PLATFORM_USER = '$telltale'

/** CONNACK return codes, MQTT 3.1.1 table 3.1. */
export const connackCodes = {
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
} as const

export class RefusedError extends Error {
  readonly returnCode: number
  constructor(returnCode: number, message: string) {
    super(message)
    this.returnCode = returnCode
  }
}

/** @throws RefusedError with the CONNACK code */
export async function authenticate(
  deps: { pool: Pool; platformSecret: string },
  username: string | undefined,
  password: Buffer | undefined,
): Promise<Principal> {
  const badCredentials = new RefusedError(connackCodes.badUserNameOrPassword, 'wrong user name or secret')
  if (username === undefined || password === undefined) throw badCredentials
  const hash = hashSecret(password)
  if (username === PLATFORM_USER) {
    if (sameHash(hash, hashSecret(deps.platformSecret))) return { kind: 'platform' }
    throw badCredentials
  }
  if (!isDeviceId(username)) throw badCredentials
  const found = await findDeviceCredentials(deps.pool, username).catch(() => {
    throw new RefusedError(connackCodes.serverUnavailable, 'the database is away')
  })
  if (!found?.hashes.some((known) => sameHash(known, hash))) throw badCredentials
  if (found.disabled) throw new RefusedError(connackCodes.notAuthorized, 'the device is disabled')
  return { kind: 'device', deviceId: username, credentialHash: hash }
}

/** Deny by default: a device publishes under its own root, and never on the topics that speak to it. */
export function mayPublish(principal: Principal, topic: Topic): boolean {
  if (principal.kind === 'platform')
    return topic.kind === 'platform' && (topic.about === 'nudge' || topic.about === 'revoked')
  if (topic.kind === 'platform' || topic.kind === 'foreign' || topic.kind === 'command') return false
  return topic.deviceId === principal.deviceId
}

/** A device subscribes under its own root; wildcards above that level do not match it literally and are refused. */
export function maySubscribe(principal: Principal, filter: string): boolean {
  if (principal.kind === 'platform') return true
  return filterIsOwn(filter, principal.deviceId)
}

/** Checked again for each delivery: aedes stores refused filters of persistent sessions and would serve them. */
export function mayReceive(principal: Principal, topic: string): boolean {
  return principal.kind === 'platform' || filterIsOwn(topic, principal.deviceId)
}
