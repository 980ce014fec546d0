import type { ConnectionProblem, FleetProblem } from '@telltale/api/contract'
import { formatNumber } from '../ui/format.ts'

type Told = { title: string; advice: string }

/** The API's cause is what happened, in one sentence, and what to do, in the others. */
export function tell(cause: string): Told {
  const end = cause.search(/\. (?=[A-Z])/)
  return end === -1
    ? { title: cause, advice: '' }
    : { title: cause.slice(0, end + 1), advice: cause.slice(end + 2) }
}

/** `connections of one address: 11, allowed 10`. */
export function limitWords({ name, value, allowed }: NonNullable<ConnectionProblem['limit']>): string {
  return `${name}: ${formatNumber(value)}, allowed ${formatNumber(allowed)}`
}

/** What somebody who waits for this device's first message would be told on the telephone; others get the cause. */
const attempts: Record<string, string> = {
  wrong_secret: 'with a wrong password',
  disabled: 'while it is disabled',
  certificate_mismatch: 'with the certificate of another device',
  certificate_revoked: 'with a revoked certificate',
  mqtt5: 'with MQTT 5',
  unsupported_version: 'with an unknown protocol version',
  forbidden_will: 'with a Last Will on a topic it may not use',
  bad_client_id: 'with a client id that is not allowed',
  limit_connect_rate: 'too often',
  limit_failed_sign_ins: 'after too many wrong passwords',
  limit_flapping: 'again and again',
  limit_connections: 'while all connections were taken',
  overloaded: 'while the broker was too busy',
  database_away: 'while the database was away',
}

export function attemptWords({ code, address, cause }: ConnectionProblem): string {
  const how = Object.hasOwn(attempts, code) ? attempts[code] : undefined
  if (how === undefined) return tell(cause).title
  return `Something tried to connect as this device${from(address)} ${how}.`
}

/** The same of a client that is not, or not yet, this device: a mistyped user name, or none that could be read. */
export function strangerWords({ address, cause, deviceId }: FleetProblem): string {
  if (deviceId === null)
    return `Something that gave no user name knocked${from(address)}. ${tell(cause).title}`
  return `Something tried to connect as “${deviceId}”${from(address)}, and there is no such device.`
}

function from(address: string | null): string {
  return address === null ? '' : ` from ${address}`
}

/** The newest that happened since then; the list comes newest first. */
export function newestSince<P extends ConnectionProblem>(
  problems: readonly P[],
  sinceMs: number,
): P | undefined {
  return problems.find(({ at }) => Date.parse(at) >= sinceMs)
}

/** Once is not worth a number. */
export function timesWords(count: number): string {
  return count === 1 ? 'once' : `${count.toLocaleString('en-US')} times`
}
