/**
 * The topic grammar of Telltale, in one table.
 *
 * Public (what a device or an integration may see; `{id}` is a device id):
 *
 *   devices/{id}/telemetry                    device →   readings, JSON
 *   devices/{id}/telemetry/{metric}           device →   one plain value
 *   devices/{id}/status                       device →   retained, also its Last Will
 *   devices/{id}/commands/{commandId}         → device   QoS 1, never retained
 *   devices/{id}/commands/{commandId}/reply   device →
 *
 * Platform (between broker and API only; every other principal is refused all `$` topics):
 *
 *   $telltale/presence/{id}                   broker → api   one presence change
 *   $telltale/commands/{id}                   broker → api   a command's row after a transition
 *   $telltale/readings/{id}                   broker → api   the stamped form of a plain-value message
 *   $telltale/rejected/{id}                   broker → api   a message was quarantined
 *   $telltale/totals/{brokerId}               broker → api   counters, once a second
 *   $telltale/nudge/{id}                      api → broker   this device has commands to send
 *   $telltale/changed/{commandId}             api → broker   a command was queued or cancelled: tell the other APIs
 *   $telltale/revoked/{id}                    api → broker   a device, or `@integration`, may have lost its right
 */

const DEVICE_ID = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const DEVICE_ROOT = 'devices'
const PLATFORM_ROOT = '$telltale'
const PLATFORM_KINDS = [
  'presence',
  'commands',
  'readings',
  'rejected',
  'totals',
  'nudge',
  'changed',
  'revoked',
] as const

export type PlatformKind = (typeof PLATFORM_KINDS)[number]

export type Topic =
  | { kind: 'telemetry'; deviceId: string }
  | { kind: 'metric'; deviceId: string; metric: string }
  | { kind: 'status'; deviceId: string }
  | { kind: 'command'; deviceId: string; commandId: string }
  | { kind: 'reply'; deviceId: string; commandId: string }
  /** Under a device's own root but with no meaning to Telltale. */
  | { kind: 'unknown'; deviceId: string }
  | { kind: 'platform'; about: PlatformKind; id: string }
  /** Not ours: outside `devices/` and not `$telltale/`. */
  | { kind: 'foreign' }

export function isDeviceId(text: string): boolean {
  return DEVICE_ID.test(text)
}

/** What a topic name means. Never throws; a name that fits no row is `unknown` or `foreign`. */
export function parseTopic(topic: string): Topic {
  const levels = topic.split('/')
  if (levels[0] === PLATFORM_ROOT) return parsePlatformTopic(levels)
  const deviceId = levels[1]
  if (levels[0] !== DEVICE_ROOT || deviceId === undefined || !isDeviceId(deviceId)) return { kind: 'foreign' }
  return parseDeviceTopic(deviceId, levels)
}

function parsePlatformTopic(levels: string[]): Topic {
  const about = PLATFORM_KINDS.find((kind) => kind === levels[1])
  const id = levels[2]
  if (about === undefined || !id || levels.length !== 3) return { kind: 'foreign' }
  return { kind: 'platform', about, id }
}

function parseDeviceTopic(deviceId: string, levels: string[]): Topic {
  const [, , noun, third, fourth] = levels
  if (noun === 'telemetry' && levels.length === 3) return { kind: 'telemetry', deviceId }
  if (noun === 'telemetry' && levels.length === 4 && third) return { kind: 'metric', deviceId, metric: third }
  if (noun === 'status' && levels.length === 3) return { kind: 'status', deviceId }
  if (noun === 'commands' && third !== undefined && UUID.test(third)) {
    if (levels.length === 4) return { kind: 'command', deviceId, commandId: third }
    if (levels.length === 5 && fourth === 'reply') return { kind: 'reply', deviceId, commandId: third }
  }
  return { kind: 'unknown', deviceId }
}

export const topics = {
  telemetry: (deviceId: string) => `${DEVICE_ROOT}/${deviceId}/telemetry`,
  metric: (deviceId: string, metric: string) => `${DEVICE_ROOT}/${deviceId}/telemetry/${metric}`,
  status: (deviceId: string) => `${DEVICE_ROOT}/${deviceId}/status`,
  command: (deviceId: string, commandId: string) => `${DEVICE_ROOT}/${deviceId}/commands/${commandId}`,
  reply: (deviceId: string, commandId: string) => `${DEVICE_ROOT}/${deviceId}/commands/${commandId}/reply`,
  platform: (about: PlatformKind, id: string) => `${PLATFORM_ROOT}/${about}/${id}`,
} as const

export const filters = {
  /** Everything a device may subscribe to. */
  device: (deviceId: string) => `${DEVICE_ROOT}/${deviceId}/#`,
  commands: (deviceId: string) => `${DEVICE_ROOT}/${deviceId}/commands/+`,
  platform: (about: PlatformKind) => `${PLATFORM_ROOT}/${about}/+`,
} as const

/** Whether a subscription filter stays under `devices/{deviceId}/`. Wildcards above the device level do not. */
export function filterIsOwn(filter: string, deviceId: string): boolean {
  return filter.startsWith(`${DEVICE_ROOT}/${deviceId}/`)
}

/** Whether a topic name or filter (without a wildcard at its first level) is a device's. */
export function isUnderDevices(topicOrFilter: string): boolean {
  return topicOrFilter.startsWith(`${DEVICE_ROOT}/`) || topicOrFilter === DEVICE_ROOT
}

/** Whether `filter` (already valid, no `$share`) matches `topic`, as MQTT 3.1.1 §4.7 says. */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  const want = filter.split('/')
  const have = topic.split('/')
  for (const [i, level] of want.entries()) {
    if (level === '#') return true
    if (i >= have.length || (level !== '+' && level !== have[i])) return false
  }
  return want.length === have.length
}
