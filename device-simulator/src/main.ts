/** `simulate`: reads the command line, runs a fleet until it is told to stop, prints the totals. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistrar, openSecretFile } from './credentials.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { type Options, parseOptions } from './options.ts'
import { showProgress } from './progress.ts'

const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2))
  switch (parsed.kind) {
    case 'text':
      process.stdout.write(parsed.text)
      return EXIT.done
    case 'wrong':
      for (const error of parsed.errors) console.error(`simulate: ${error}`)
      console.error('simulate: --help lists the options')
      return EXIT.usage
    case 'run':
      return run(parsed.options)
  }
}

async function run(options: Options): Promise<number> {
  const { signal, exitCode } = stopReasons()
  const dataDir = process.env.TELLTALE_DATA_DIR ?? './data'
  const registrar = createRegistrar({
    apiUrl: options.apiUrl,
    token: options.token ?? process.env.TELLTALE_TOKEN ?? (await readToken(dataDir)),
    secrets: await openSecretFile(join(dataDir, 'simulator-credentials.json')),
    signal,
  })
  const fleet = createFleet({
    options,
    registrar,
    signal,
    onMessage: (deviceId, { topic, payload }) => {
      if (options.print) process.stdout.write(`${JSON.stringify({ deviceId, topic, payload })}\n`)
    },
  })
  const startedMs = Date.now()
  const failure = await runFleet(fleet, options, signal)
  if (failure !== undefined) console.error(`simulate: ${failure}`)
  const durationMs = Date.now() - startedMs
  process.stdout.write(`${JSON.stringify({ devices: options.devices, durationMs, ...fleet.totals })}\n`)
  return failure === undefined ? exitCode() : EXIT.failed
}

/** Runs until the signal or the end of the duration; answers what went wrong, if anything did. */
async function runFleet(fleet: Fleet, options: Options, signal: AbortSignal): Promise<string | undefined> {
  const hideProgress = showProgress(fleet, options.devices, process.stderr)
  let failure: string | undefined
  try {
    const { durationMs } = options
    const over = durationMs === undefined ? untilAborted(signal) : sleep(durationMs, undefined, { signal })
    await Promise.race([over, fleet.start().then(() => over)])
  } catch (error) {
    if (!signal.aborted) failure = error instanceof Error ? error.message : String(error)
  }
  if (failure === undefined && !signal.aborted && fleet.totals.connects === 0) {
    failure = `no device could connect to ${options.mqttUrl} (${fleet.state().lastProblem ?? 'no answer'})`
  }
  hideProgress()
  await fleet.stop()
  return failure
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    // An abort listener keeps no process alive, and with every device between two timers nothing else might.
    const keepAlive = setInterval(() => {}, 2 ** 30)
    signal.addEventListener('abort', () => {
      clearInterval(keepAlive)
      resolve()
    })
  })
}

function stopReasons(): { signal: AbortSignal; exitCode(): number } {
  const controller = new AbortController()
  let code: number = EXIT.done
  const stopWith = (exitCode: number) => () => {
    // A second signal means now.
    if (controller.signal.aborted) process.exit(exitCode)
    code = exitCode
    controller.abort()
  }
  process.on('SIGINT', stopWith(EXIT.interrupted))
  process.on('SIGTERM', stopWith(EXIT.done))
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `simulate --print | head`: the reader has what it wanted.
    if (error.code === 'EPIPE') controller.abort()
  })
  return { signal: controller.signal, exitCode: () => code }
}

/** `npm start` leaves a token for its own fleet there. */
async function readToken(dataDir: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataDir, 'simulator-token'), 'utf8')).trim()
  } catch {
    return undefined
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(EXIT.failed)
  },
)
