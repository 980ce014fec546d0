/** The command line of `ledger`: every mistake at once, each with what to write instead. */
import { Command, CommanderError } from 'commander'
import { FAULT_GROUPS, type FaultGroup } from './fault.ts'

export interface Options {
  minutes: number
  seed: number
  /** Groups to draw from; `restarts` instead is the rolling restarts. */
  faults: FaultGroup[] | 'restarts'
  /** Of those, the ones with one of these in their names; empty: all. */
  only: string[]
  restarts: number
  devices: number
  rate: number
  database: string | undefined
  report: string | undefined
  /** Whether bench/results.md is to say it too. */
  results: boolean
}

export type Parsed =
  | { kind: 'run'; options: Options }
  | { kind: 'text'; text: string }
  | { kind: 'wrong'; errors: string[] }

/** One device sends 250 messages a second at most. */
export const RATE_PER_DEVICE_MAX = 250
const RATE_MAX = 50_000
const DEVICES_MAX = 10_000
const MINUTES_MAX = 7 * 24 * 60

const HELP = `
Faults: all, none, restarts, or groups with commas: ${FAULT_GROUPS.join(', ')}. Those of time are in \`npm test -- faults-time\`.
In the second half of a run of half an hour or more no fault ends a program: growth is seen there.
Without --database the run has a PostgreSQL server of its own, which faults may kill.

The page goes to stdout, progress to stderr. Exit codes: 0 every promise holds · 1 one does not, or the run failed ·
2 wrong usage · 130 interrupted.`

function createProgram(): Command {
  return new Command('ledger')
    .description('Sends messages, does harm, and compares what was acknowledged with what is stored.')
    .option('--minutes <number>', 'how long messages are sent, fractions too', '5')
    .option('--seed <integer>', 'same seed, same messages, same faults in the same order', String(newSeed()))
    .option('--faults <which>', 'what goes wrong meanwhile', 'all')
    .option('--only <words>', 'of these faults, the ones with one of the words, with commas, in their names')
    .option('--restarts <count>', 'with --faults restarts: how many', '20')
    .option('--devices <count>', 'how many devices', '200')
    .option('--rate <count>', 'messages a second of all devices together', '2000')
    .option('--database <url>', 'a server on which a database of its own is made')
    .option('--timescale', 'the server at TELLTALE_TEST_TIMESCALE_URL', false)
    .option('--report <file>', 'where the page goes as well')
    .option('--results', 'renews what bench/results.md says of the soak', false)
    .addHelpText('after', HELP)
}

function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}

/** `argv` without node and script. Never throws, prints nothing. */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Parsed {
  let text = ''
  const program = createProgram()
    .exitOverride()
    .configureOutput({ writeOut: (part) => (text += part), writeErr: () => {} })
  try {
    program.parse(
      argv.filter((argument) => argument !== '--'),
      { from: 'user' },
    )
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'text', text }
    return { kind: 'wrong', errors: [error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')] }
  }
  return readValues(program.opts(), env)
}

type Values = Record<string, string | boolean | undefined>

function readValues(values: Values, env: NodeJS.ProcessEnv): Parsed {
  const errors: string[] = []
  const number = (name: string, { least, most, whole = true }: Range): number => {
    const value = Number(values[name])
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value
    errors.push(`--${name} ${values[name]}: a ${whole ? 'whole ' : ''}number from ${least} to ${most}`)
    return least
  }
  const devices = number('devices', { least: 1, most: DEVICES_MAX })
  const options: Options = {
    minutes: number('minutes', { least: 0.1, most: MINUTES_MAX, whole: false }),
    seed: number('seed', { least: 0, most: 2 ** 31 - 1 }),
    faults: readFaults(String(values.faults), errors),
    only: values.only === undefined ? [] : String(values.only).split(','),
    restarts: number('restarts', { least: 1, most: 1_000 }),
    devices,
    rate: number('rate', { least: 1, most: Math.min(RATE_MAX, devices * RATE_PER_DEVICE_MAX) }),
    database: readDatabase(values, env, errors),
    report: values.report === undefined ? undefined : String(values.report),
    results: values.results === true,
  }
  return errors.length > 0 ? { kind: 'wrong', errors } : { kind: 'run', options }
}

interface Range {
  least: number
  most: number
  whole?: boolean
}

function readFaults(text: string, errors: string[]): Options['faults'] {
  if (text === 'restarts') return 'restarts'
  if (text === 'none') return []
  if (text === 'all') return [...FAULT_GROUPS]
  const groups = text.split(',')
  const isGroup = (group: string): group is FaultGroup => FAULT_GROUPS.some((one) => one === group)
  for (const group of groups)
    if (group === 'time')
      errors.push('--faults time: the ledger has none of this group; `npm test -- faults-time` has')
    else if (!isGroup(group))
      errors.push(`--faults ${group}: all, none, restarts, or some of ${FAULT_GROUPS.join(', ')}`)
  return groups.filter(isGroup)
}

function readDatabase(values: Values, env: NodeJS.ProcessEnv, errors: string[]): string | undefined {
  if (values.timescale === true) {
    const { TELLTALE_TEST_TIMESCALE_URL: url } = env
    if (!url) errors.push('--timescale: TELLTALE_TEST_TIMESCALE_URL names no server')
    return url
  }
  if (values.database === undefined) return undefined
  const url = String(values.database)
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    errors.push(`--database ${url}: an address such as postgres://user:password@host:5432/postgres`)
  return url
}
