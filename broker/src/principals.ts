import { filterIsOwn, isUnderDevices, type PlatformKind, type Topic } from './contract/index.ts'

/** Who is at the other end. The API is one more MQTT client, trusted by the platform's own secret. */
export type Principal =
  | { kind: 'platform' }
  | { kind: 'device'; deviceId: string; credentialHash: Buffer }
  | { kind: 'integration'; name: string; read: boolean; write: boolean; credentialHash: Buffer }

export const PLATFORM_USER = '$telltale'

const FROM_API = new Set<PlatformKind>(['nudge', 'changed', 'revoked'])

/** Its user name, and the name space of its client ids: two principals may pick the same client id. */
export function principalName(principal: Principal): string {
  switch (principal.kind) {
    case 'platform':
      return PLATFORM_USER
    case 'device':
      return principal.deviceId
    case 'integration':
      return `@${principal.name}`
  }
}

/**
 * Deny by default. A device publishes under its own root, and never on the topics that speak to it. An integration
 * that may write publishes readings of any device, and whatever it likes outside `devices/` and `$`.
 */
export function mayPublish(principal: Principal, topicName: string, topic: Topic): boolean {
  switch (principal.kind) {
    case 'platform':
      return topic.kind === 'platform' && FROM_API.has(topic.about)
    case 'device':
      if (topic.kind === 'platform' || topic.kind === 'foreign' || topic.kind === 'command') return false
      return topic.deviceId === principal.deviceId
    case 'integration':
      if (!principal.write) return false
      return topic.kind === 'telemetry' || topic.kind === 'metric' || isPlain(topicName)
  }
}

/**
 * A device subscribes under its own root; wildcards above that level do not match it literally and are refused. What
 * an integration's wildcards match beyond its rights is not delivered.
 */
export function maySubscribe(principal: Principal, filter: string): boolean {
  switch (principal.kind) {
    case 'platform':
      return true
    case 'device':
      return filterIsOwn(filter, principal.deviceId)
    case 'integration': {
      if (filter.startsWith('$')) return false
      if (/^[#+]/.test(filter)) return true
      return isUnderDevices(filter) ? principal.read : principal.write
    }
  }
}

/** Asked for each delivery. */
export function mayReceive(principal: Principal, topicName: string): boolean {
  switch (principal.kind) {
    case 'platform':
      return true
    case 'device':
      return filterIsOwn(topicName, principal.deviceId)
    case 'integration':
      return isPlain(topicName) ? principal.write : principal.read && isUnderDevices(topicName)
  }
}

/** Plain MQTT: neither a device's nor reserved. */
function isPlain(topicName: string): boolean {
  return !topicName.startsWith('$') && !isUnderDevices(topicName)
}
