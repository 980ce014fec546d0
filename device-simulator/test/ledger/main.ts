/** `ledger`: reads the command line, runs, prints the page. */
import { writeFile } from 'node:fs/promises'
import { describeStartError } from '@telltale/infra/service'
import { describeMachine, hasRedis } from '../../bench/machine.ts'
import { saveSections } from '../../bench/results.ts'
import type { Fault } from './fault.ts'
import { type Options, parseOptions } from './options.ts'
import { renderReport, soakSection } from './report.ts'
import { type RunPlan, runLedger } from './run.ts'
import { allFaults, drawSteps, restartSteps, stretchFrom } from './schedule.ts'

const EXIT = { holds: 0, broken: 1, usage: 2, interrupted: 130 } as const
const MINUTE_MS = 60_000

const say = (line: string) => console.error(`ledger, ${process.uptime().toFixed(1)} s: ${line}`)

async function main(): Promise<number> {
  const argv = process.argv.slice(2)
  const parsed = parseOptions(argv, process.env)
  switch (parsed.kind) {
    case 'text':
      process.stdout.write(parsed.text)
      return EXIT.holds
    case 'wrong':
      for (const error of parsed.errors) console.error(`ledger: ${error}`)
      console.error('ledger: --help lists the options')
      return EXIT.usage
    case 'run':
      return run(parsed.options, argv)
  }
}

async function run(options: Options, argv: readonly string[]): Promise<number> {
  const plan = planOf(options)
  if (options.faults !== 'restarts' && options.faults.length > 0 && plan.faults.length === 0) {
    console.error('ledger: none of the faults asked for is there, or possible; --faults none does without')
    return EXIT.usage
  }
  const signal = stopSignal()
  say(`seed ${options.seed}`)
  try {
    const outcome = await runLedger(plan, { say, signal })
    const command = ['npx pnpm ledger', ...argv].join(' ')
    const page = renderReport(outcome, { command, machine: describeMachine() })
    process.stdout.write(page)
    if (options.report !== undefined) await writeFile(options.report, page)
    if (options.results) await saveSections([soakSection(outcome, page)])
    return outcome.verdicts.every(({ holds }) => holds) ? EXIT.holds : EXIT.broken
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted
    throw error
  }
}

function planOf(options: Options): RunPlan {
  const { minutes, seed, faults: wanted, only, restarts, devices, rate, database } = options
  const durationMs = minutes * MINUTE_MS
  const common = { seed, durationMs, devices, rate, serverUrl: database }
  if (wanted === 'restarts') {
    const steps = restartSteps(restarts, Math.min(durationMs, stretchFrom(durationMs)))
    return { ...common, faults: [], steps, withRedis: false }
  }
  const withRedis = wanted.includes('redis') && hasRedis()
  const isPossible = ({ name, needs }: Fault) => {
    const lacks = (needs === 'redis' && !withRedis) || (needs === 'own server' && database !== undefined)
    if (lacks) say(`left out: ${name} (needs ${needs})`)
    return !lacks
  }
  const isWanted = ({ name, group }: Fault) =>
    wanted.includes(group) && (only.length === 0 || only.some((words) => name.includes(words)))
  const faults = allFaults.filter(isWanted).filter(isPossible)
  return { ...common, faults, steps: drawSteps(faults, seed), withRedis }
}

function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = () => {
    // A second one means now.
    if (controller.signal.aborted) process.exit(EXIT.interrupted)
    say('stopping')
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(describeStartError(error))
    if (error instanceof Error && error.cause !== undefined) console.error(error.cause)
    process.exit(EXIT.broken)
  },
)
