/** `npm run bench`: measures on this machine, prints each part's tables and renews them in results.md. */
import { describeStartError, Releases } from '@telltale/infra/service'
import { Command, Option } from 'commander'
import { describeMachine } from './machine.ts'
import { type Outcome, WORK } from './parts.ts'
import { PARTS, type Part, renderSection, type Section, saveSections } from './results.ts'
import { type EngineName, startServer, timescaleUrl } from './servers.ts'

const log = (line: string) => console.error(`bench, ${process.uptime().toFixed(0)} s: ${line}`)

interface Options {
  engine: EngineName | 'both'
  only?: Part[]
  pairs: number
  seconds: number
  scale: number
  write: boolean
}

function readOptions(): Options {
  return new Command('bench')
    .description(
      'Measures ingest, connections, storage and what is live; renews it in device-simulator/bench/results.md.',
    )
    .addOption(
      new Option('--engine <engine>', 'what to measure; timescale needs TELLTALE_TEST_TIMESCALE_URL')
        .choices(['plain', 'timescale', 'both'])
        .default('both'),
    )
    .addOption(new Option('--only <parts...>', 'these parts, not all').choices(PARTS))
    .option('--pairs <count>', 'runs with and without what is compared', Number, 3)
    .option('--seconds <seconds>', 'measured span of a run', Number, 5)
    .option(
      '--scale <share>',
      'smaller data sets and fewer devices, for trying out; writes no results',
      Number,
      1,
    )
    .option('--no-write', 'leave the results as they are')
    .parse()
    .opts<Options>()
}

async function main(): Promise<number> {
  const options = readOptions()
  const releases = new Releases()
  // Once: what a signal interrupts fails, and must not exit before everything is released.
  let releasing: Promise<void> | undefined
  const releaseAll = () => {
    releasing ??= releases.run()
    return releasing
  }
  // Ctrl-C reaches the children too; what is left is the databases, whose servers have sessions of their own.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void releaseAll().finally(() => process.exit(1)))
  let isSound = true
  try {
    for (const engine of chooseEngines(options.engine))
      if (!(await measureEngine(engine, options, releases))) isSound = false
  } finally {
    await releaseAll()
  }
  return isSound ? 0 : 1
}

function chooseEngines(asked: Options['engine']): EngineName[] {
  if (asked !== 'both') return [asked]
  if (timescaleUrl()) return ['plain', 'timescale']
  log('TimescaleDB is not measured: TELLTALE_TEST_TIMESCALE_URL names no server that has it')
  return ['plain']
}

/** One engine after the other, part by part; false when a run must not count. */
async function measureEngine(engine: EngineName, options: Options, releases: Releases): Promise<boolean> {
  const server = await startServer(engine, releases)
  const machine = `${describeMachine()}; ${server.description}`
  let isSound = true
  for (const { parts, run } of WORK) {
    const wanted = parts.filter((part) => options.only?.includes(part) ?? true)
    if (wanted.length === 0) continue
    const own = new Releases()
    releases.add('a part of the bench', () => own.run())
    try {
      const outcomes = await run({ ...options, server, wanted, releases: own, log })
      await publish(outcomes, { engine, machine, isKept: options.write && options.scale === 1 })
      if (outcomes.some(({ violations }) => violations.length > 0)) isSound = false
    } finally {
      await own.run()
    }
  }
  return isSound
}

/** As soon as a part is measured: what breaks later does not lose it. */
async function publish(
  outcomes: Outcome[],
  { engine, machine, isKept }: { engine: EngineName; machine: string; isKept: boolean },
): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const sections = outcomes.map(
    ({ part, verdicts, text }): Section => ({ part, engine, date, machine, verdicts, text }),
  )
  for (const section of sections) process.stdout.write(`${renderSection(section).join('\n\n')}\n\n`)
  for (const { violations } of outcomes) for (const violation of violations) log(violation)
  if (isKept) await saveSections(sections)
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(describeStartError(error))
    process.exit(1)
  },
)
