/** The command line of `simulate`: every mistake reported at once, each with what to write instead. */
import { isDeviceId } from '@telltale/broker/contract'
import { Command, CommanderError } from 'commander'
import * as limits from './limits.ts'
import { longestId, profileNames } from './profiles/index.ts'

export interface Options {
  devices: number
  intervalMs: number
  profile: string
  seed: number
  chaos: boolean
  durationMs: number | undefined
  mqttUrl: string
  apiUrl: string
  token: string | undefined
  prefix: string | undefined
  print: boolean
}

export type Parsed =
  | { kind: 'run'; options: Options }
  | { kind: 'text'; text: string }
  | { kind: 'wrong'; errors: string[] }

const HELP = `
Credentials come from the HTTP API, the first time for each device; then from the data directory
(TELLTALE_DATA_DIR, ./data by default). The token is --token, or TELLTALE_TOKEN, or the file simulator-token there.

One JSON line with the totals goes to stdout at the end (with --print, one line a message before it), progress to
stderr. Exit codes: 0 done (also after SIGTERM) · 1 failed while running · 2 wrong usage · 130 interrupted.`

function createProgram(): Command {
  return new Command('simulate')
    .description('Virtual devices that speak only the public contract of Telltale.')
    .option('--devices <count>', 'how many devices', '10')
    .option('--interval <duration>', 'time between two messages of one device', '1s')
    .option('--profile <name>', profileNames.join(', '), 'mixed')
    .option('--seed <integer>', 'same seed, same signals and mishaps', '1')
    .option('--chaos', 'cut connections, silences, duplicates, bad payloads, wrong clocks', false)
    .option('--duration <duration>', 'stop after this long (for ever when absent)')
    .option('--url <url>', 'the broker', 'mqtt://127.0.0.1:1883')
    .option('--api <url>', 'the HTTP API', 'http://127.0.0.1:8080')
    .option('--token <token>', 'API token of an operator or admin')
    .option('--prefix <text>', 'put before every device id: sim gives sim-bay-01')
    .option('--print', 'print every message to stdout as NDJSON', false)
    .addHelpText('after', HELP)
}

/** `argv` without node and script. Never throws, prints nothing. */
export function parseOptions(argv: readonly string[]): Parsed {
  const errors: string[] = []
  let left = argv.filter((argument) => argument !== '--')
  // Commander stops at its first complaint: note it, take the cause away and ask again.
  for (let round = 0; round <= argv.length; round++) {
    const attempt = parseSyntax(left)
    if (attempt.kind !== 'complaint') {
      if (attempt.kind === 'text') return attempt
      const options = readValues(attempt.values, errors)
      return errors.length > 0 ? { kind: 'wrong', errors } : { kind: 'run', options }
    }
    errors.push(attempt.message)
    left = without(left, attempt.culprit)
  }
  return { kind: 'wrong', errors }
}

type Attempt =
  | { kind: 'parsed'; values: Record<string, string | boolean | undefined> }
  | { kind: 'text'; text: string }
  | { kind: 'complaint'; message: string; culprit: string }

function parseSyntax(argv: readonly string[]): Attempt {
  let text = ''
  const program = createProgram()
    .exitOverride()
    .allowExcessArguments()
    .configureOutput({ writeOut: (part) => (text += part), writeErr: () => {} })
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'text', text }
    const [, culprit = ''] = /'(-[^\s']+)/.exec(error.message) ?? []
    return { kind: 'complaint', message: sentence(error.message), culprit }
  }
  const [excess] = program.args
  if (excess === undefined) return { kind: 'parsed', values: program.opts() }
  return { kind: 'complaint', message: `${excess}: not an option (options start with --)`, culprit: excess }
}

/** `error: unknown option '--device'\n(Did you mean --devices?)` → one line. */
function sentence(message: string): string {
  return message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
}

/** Takes the culprit out, with the value that followed an option nobody knows. */
function without(argv: readonly string[], culprit: string): string[] {
  const index = argv.findIndex((argument) => argument === culprit || argument.startsWith(`${culprit}=`))
  const next = argv[index + 1]
  const takesValue = culprit.startsWith('-') && next !== undefined && !next.startsWith('-')
  return argv.filter((_, i) => i !== index && !(takesValue && i === index + 1))
}

function readValues(values: Record<string, string | boolean | undefined>, errors: string[]): Options {
  const text = (name: string) => String(values[name])
  const optional = (name: string) => (values[name] === undefined ? undefined : text(name))
  const note = <T>(name: string, read: { value: T } | { error: string }, fallback: T): T => {
    if ('value' in read) return read.value
    errors.push(`--${name} ${text(name)}: ${read.error}`)
    return fallback
  }
  const profile = note('profile', readProfile(text('profile')), 'mixed')
  const prefix = optional('prefix')
  const duration = optional('duration')
  return {
    devices: note('devices', readInteger(text('devices'), 1, limits.devicesMax), 1),
    intervalMs: note('interval', readInterval(text('interval')), 1_000),
    profile,
    seed: note('seed', readInteger(text('seed'), 0, 2 ** 31 - 1), 1),
    chaos: values.chaos === true,
    durationMs: duration === undefined ? undefined : note('duration', readDuration(duration), 0),
    mqttUrl: note('url', readUrl(text('url'), ['mqtt:', 'mqtts:', 'ws:', 'wss:']), ''),
    apiUrl: note('api', readUrl(text('api'), ['http:', 'https:']), ''),
    token: optional('token'),
    prefix: prefix === undefined ? undefined : note('prefix', readPrefix(prefix, profile), ''),
    print: values.print === true,
  }
}

type Read<T> = { value: T } | { error: string }

function readProfile(text: string): Read<string> {
  if (profileNames.includes(text)) return { value: text }
  return { error: `no such profile, use ${profileNames.join(', ')}` }
}

function readInteger(text: string, min: number, max: number): Read<number> {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return { value }
  return { error: `a whole number from ${min} to ${max}` }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `250ms`, `1s`, `1.5m`, `2h`, `1d` → milliseconds. */
export function readDuration(text: string): Read<number> {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const unitMs = unit === undefined ? undefined : UNIT_MS[unit]
  const value = Math.round(Number(count) * (unitMs ?? Number.NaN))
  return value > 0 ? { value } : { error: 'a number with a unit, such as 250ms, 1s, 5m or 2h' }
}

function readInterval(text: string): Read<number> {
  const read = readDuration(text)
  if ('error' in read) return read
  const fits = read.value >= limits.intervalMinMs && read.value <= limits.intervalMaxMs
  return fits ? read : { error: `from ${limits.intervalMinMs}ms to 24h` }
}

function readUrl(text: string, protocols: readonly string[]): Read<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.hostname && protocols.includes(url.protocol)) return { value: text.replace(/\/+$/, '') }
  return { error: `an address such as ${protocols[0]}//127.0.0.1:${protocols[0] === 'http:' ? 8080 : 1883}` }
}

function readPrefix(prefix: string, profile: string): Read<string> {
  const longest = longestId({ profile, devices: limits.devicesMax, prefix })
  if (prefix !== '' && isDeviceId(longest)) return { value: prefix }
  return { error: 'letters, digits, _ . - only, not starting with a dot, and short enough for an id of 64' }
}
