/** The generator as a process of its own, so that its CPU is not the bench's: options in, one JSON line out. */
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { type Credential, generateLoad, type LoadPlan } from './generator.ts'

interface Flags {
  host: string
  ports: string
  connections: string
  window: string
  warmUp: string
  seconds: string
  credentials?: string
  startTs?: string
}

/** Room behind now: at one ms a message, a device that sends more than 1,000 a second runs ahead of the clock. */
const START_BEFORE_NOW_MS = 60_000

async function main(): Promise<void> {
  const flags = new Command('generate')
    .description('QoS 1 load in a closed loop; prints one JSON line.')
    .option('--host <host>', 'broker address', '127.0.0.1')
    .requiredOption('--ports <list>', 'broker ports, divided by commas: the devices take turns')
    .option('--connections <count>', 'how many devices', '50')
    .option('--window <count>', 'messages in flight of each', '50')
    .option('--warm-up <seconds>', 'sent, not measured', '2')
    .option('--seconds <seconds>', 'measured span', '6')
    .option('--credentials <file>', 'JSON: [{"id": …, "secret": …}, …]; anonymous when absent')
    .option('--start-ts <ms>', 'ts of the first messages (a minute ago when absent)')
    .parse()
    .opts<Flags>()
  const credentials =
    flags.credentials === undefined
      ? undefined
      : (JSON.parse(await readFile(flags.credentials, 'utf8')) as Credential[])
  const plan: LoadPlan = {
    host: flags.host,
    ports: flags.ports.split(',').map(Number),
    connections: Number(flags.connections),
    window: Number(flags.window),
    warmUpSeconds: Number(flags.warmUp),
    seconds: Number(flags.seconds),
    startTsMs: Number(flags.startTs ?? Date.now() - START_BEFORE_NOW_MS),
    credentials,
  }
  // Without the bench nobody reads the result, and the load would only disturb what comes next.
  process.once('disconnect', () => process.exit(1))
  // Whoever forked us reads the CPU of the others at these two moments.
  const result = await generateLoad(plan, (edge) => process.send?.(edge))
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(`generate: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  },
)
