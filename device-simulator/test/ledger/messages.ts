/**
 * What the devices say: message `n` of device `d` follows from the seed alone, and a stored row leads back to it. So
 * the ledger keeps numbers, not payloads, and every stored value can be held against what was sent.
 */
import { topics } from '@telltale/broker/contract'

export interface Script {
  seed: number
  /** Message n carries `baseMs + n * strideMs`. */
  baseMs: number
  /** At least `BACKLOG_READINGS`, so that a backlog ends before the next message begins. */
  strideMs: number
  /** Every so many messages one is unreadable. */
  unreadableEvery: number
}

export type Kind = 'timed' | 'worded' | 'untimed' | 'backlog' | 'old' | 'metric' | 'note' | 'unreadable'

export type Qos = 0 | 1 | 2

export interface Message {
  /** Below `devices/{id}/`, without it. */
  metric: string | undefined
  payload: string
}

export const BACKLOG_READINGS = 4
/** How far back the second kind of backlog reaches: later than rollups wait for, younger than is refused. */
const OLD_MS = 2 * 86_400_000
const NOTE_METRIC = 'note'
const PLAIN_METRIC = 'level'

/** Of 32 messages in a row. Chosen so that each kind meets each QoS. */
const KINDS: readonly Kind[] = [
  ...Array<Kind>(22).fill('timed'),
  ...Array<Kind>(3).fill('worded'),
  ...Array<Kind>(2).fill('untimed'),
  ...Array<Kind>(2).fill('backlog'),
  'old',
  'metric',
  NOTE_METRIC,
]
const QOS_PERIOD = 17

/** Rows of a message, in the order of its bits in `foundOf`. */
const METRICS: Readonly<Record<Kind, readonly string[]>> = {
  timed: ['temperature', 'humidity', 'pressure', 'on', 'gps.lat'],
  worded: ['temperature', 'door'],
  untimed: ['untimed'],
  backlog: ['temperature', 'humidity'],
  old: ['temperature', 'humidity'],
  metric: [PLAIN_METRIC],
  note: [NOTE_METRIC],
  unreadable: ['unreadable'],
}

export function deviceIdOf(device: number): string {
  return `ledger-${device + 1}`
}

export function deviceOf(deviceId: string): number {
  const [, number = ''] = /^ledger-(\d+)$/.exec(deviceId) ?? []
  return Number(number) - 1
}

export function kindOf({ unreadableEvery }: Script, device: number, n: number): Kind {
  if ((n + device) % unreadableEvery === unreadableEvery - 1) return 'unreadable'
  // Neighbours differ, and so do devices: 13 is prime to 32.
  return KINDS[(n * 13 + device * 7) % KINDS.length] as Kind
}

export function qosOf(device: number, n: number): Qos {
  const place = (n + device) % QOS_PERIOD
  return place === 0 ? 0 : place === 1 ? 2 : 1
}

/** Sent again without its time, such a message is another reading: no promise counts it. */
export function isTimed(kind: Kind): boolean {
  return kind === 'timed' || kind === 'worded' || kind === 'backlog' || kind === 'old'
}

/** All rows of a message, a bit each. */
export function expectedOf(kind: Kind): number {
  const readings = kind === 'backlog' || kind === 'old' ? BACKLOG_READINGS : 1
  return 2 ** (METRICS[kind].length * readings) - 1
}

/** Says which message it is, and can hardly be met by accident: 12 bits of it are a check. */
export function codeOf(seed: number, device: number, n: number): number {
  return n * 4096 + (mix(seed, device, n) & 4095)
}

export function topicOf(device: number, metric: string | undefined): string {
  const id = deviceIdOf(device)
  return metric === undefined ? topics.telemetry(id) : topics.metric(id, metric)
}

export function messageOf(script: Script, device: number, n: number): Message {
  const kind = kindOf(script, device, n)
  const at = script.baseMs + n * script.strideMs
  const number = (place: number) => numberAt(script.seed, device, n, place)
  const plain = (payload: string, metric?: string): Message => ({ metric, payload })
  switch (kind) {
    case 'timed':
      return plain(
        `{"ts":${at},"values":{"temperature":${number(0)},"humidity":${number(1)},"pressure":${number(2)},` +
          `"on":${switchAt(script.seed, device, n) === 1},"gps":{"lat":${number(4)}}}}`,
      )
    case 'worded':
      return plain(
        `{"ts":${at},"values":{"temperature":${number(0)},"door":"${wordOf(script.seed, device, n)}"}}`,
      )
    case 'untimed':
      return plain(`{"untimed":${codeOf(script.seed, device, n)}}`)
    case 'backlog':
      return plain(backlogOf(at, number))
    case 'old':
      return plain(backlogOf(at - OLD_MS, number))
    case 'metric':
      return plain(String(codeOf(script.seed, device, n)), PLAIN_METRIC)
    case 'note':
      return plain(`note ${codeOf(script.seed, device, n)}`, NOTE_METRIC)
    case 'unreadable':
      return plain(`{"unreadable":${codeOf(script.seed, device, n)}`)
  }
}

function backlogOf(firstMs: number, number: (place: number) => number): string {
  const readings = Array.from(
    { length: BACKLOG_READINGS },
    (_, i) =>
      `{"ts":${firstMs + i},"values":{"temperature":${number(2 * i)},"humidity":${number(2 * i + 1)}}}`,
  )
  return `[${readings.join(',')}]`
}

/** Eighths: exact as a double and as text. */
function numberAt(seed: number, device: number, n: number, place: number): number {
  return (mix(seed + place * 0x5bd1, device, n) >>> 9) / 8
}

/** Booleans are stored as 0 and 1. */
function switchAt(seed: number, device: number, n: number): 0 | 1 {
  return (mix(seed, device, n) & 1) as 0 | 1
}

function wordOf(seed: number, device: number, n: number): string {
  return `door ${mix(seed, device, n) >>> 0}`
}

/** 32 bits out of three numbers, as murmur3 finishes. */
function mix(seed: number, device: number, n: number): number {
  let h = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(device + 1, 0x85ebca6b) ^ Math.imul(n + 1, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** A stored row: `bit` is its place in the message. */
export type Origin =
  | { is: 'row'; n: number; bit: number }
  /** A message has this row, with another value. */
  | { is: 'changed'; n: number; expected: number | string }
  /** No message has this row. */
  | { is: 'foreign' }

const FOREIGN: Origin = { is: 'foreign' }

/** Which message a stored row comes from. */
export function originOf(
  script: Script,
  device: number,
  row: { metric: string; timeMs: number; value: number | string },
): Origin {
  const { metric, value } = row
  if (metric === 'untimed' || metric === PLAIN_METRIC || metric === NOTE_METRIC)
    return codedOrigin(script, device, metric, value)
  const isOld = row.timeMs < script.baseMs
  const offsetMs = row.timeMs - script.baseMs + (isOld ? OLD_MS : 0)
  if (!Number.isInteger(offsetMs) || offsetMs < 0) return FOREIGN
  const n = Math.floor(offsetMs / script.strideMs)
  const place = offsetMs % script.strideMs
  const kind = kindOf(script, device, n)
  const metrics = METRICS[kind]
  const i = metrics.indexOf(metric)
  const isBacklog = kind === 'backlog' || kind === 'old'
  if (i < 0 || !isTimed(kind) || isOld !== (kind === 'old')) return FOREIGN
  if (place >= (isBacklog ? BACKLOG_READINGS : 1)) return FOREIGN
  const bit = isBacklog ? 2 * place + i : i
  const expected = valueAt(script.seed, device, n, metric, bit)
  return value === expected ? { is: 'row', n, bit } : { is: 'changed', n, expected }
}

function valueAt(seed: number, device: number, n: number, metric: string, bit: number): number | string {
  if (metric === 'on') return switchAt(seed, device, n)
  if (metric === 'door') return wordOf(seed, device, n)
  return numberAt(seed, device, n, bit)
}

function codedOrigin(script: Script, device: number, metric: string, value: number | string): Origin {
  const isText = metric === NOTE_METRIC
  if (isText !== (typeof value === 'string')) return FOREIGN
  const code = typeof value === 'string' ? Number(value.replace(/^note /, '')) : value
  const n = numberOfCode(script, device, code)
  if (n === undefined) return FOREIGN
  const kind = kindOf(script, device, n)
  return METRICS[kind][0] === metric ? { is: 'row', n, bit: 0 } : FOREIGN
}

/** The message a code belongs to; undefined when it is none of ours. */
function numberOfCode({ seed }: Script, device: number, code: number): number | undefined {
  const n = Math.floor(code / 4096)
  return Number.isSafeInteger(code) && n >= 0 && codeOf(seed, device, n) === code ? n : undefined
}

/** Which message a rejected message was; undefined when nothing unreadable was sent like that. */
export function originOfRejected(script: Script, device: number, payload: string): number | undefined {
  const [, code = ''] = /^\{"unreadable":(\d+)$/.exec(payload) ?? []
  const n = code === '' ? undefined : numberOfCode(script, device, Number(code))
  return n !== undefined && kindOf(script, device, n) === 'unreadable' ? n : undefined
}
