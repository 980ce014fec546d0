/** `npm run bench`: runs P1 and P2 on this machine, prints the table and rewrites results.md. */
import { writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { describeMachine } from './machine.ts'
import { runP1, violations } from './p1-ingest.ts'
import { runP2 } from './p2-rows.ts'
import { markdown, type Report } from './report.ts'
import { type Stack, startStack } from './stack.ts'

/** The same file from bench/ and from the bundle in dist/. */
const RESULTS = new URL('../bench/results.md', import.meta.url)

const log = (line: string) => console.error(`bench: ${line}`)

async function main(): Promise<number> {
  const flags = new Command('bench')
    .description(
      'Measures ingest against mosquitto and a bare COPY; rewrites device-simulator/bench/results.md.',
    )
    .option('--pairs <count>', 'pairs of runs for each shape', '3')
    .option('--seconds <seconds>', 'measured span of a run', '6')
    .option('--no-write', 'leave results.md as it is')
    .parse()
    .opts<{ pairs: string; seconds: string; write: boolean }>()
  const stack = await startStack()
  // Ctrl-C reaches the children too; what is left is the database, which has a session of its own.
  process.once('SIGINT', () => void stack.stop().then(() => process.exit(130)))
  try {
    const report = await measure(stack, { pairs: Number(flags.pairs), seconds: Number(flags.seconds) })
    const text = `${markdown(report)}\n`
    process.stdout.write(text)
    if (flags.write) await writeFile(RESULTS, text)
    for (const violation of report.violations) log(violation)
    return report.violations.length === 0 ? 0 : 1
  } finally {
    await stack.stop()
  }
}

async function measure(stack: Stack, plan: { pairs: number; seconds: number }): Promise<Report> {
  const machine = await describeMachine(stack.postgresVersion)
  const p1 = await runP1(stack, { ...plan, log })
  const p2 = await runP2(stack.pool, log)
  return {
    ...plan,
    p1,
    p2,
    machine,
    date: new Date().toISOString().slice(0, 10),
    violations: violations(p1),
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    log(error instanceof Error ? error.message : String(error))
    process.exit(1)
  },
)
