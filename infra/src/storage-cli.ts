/** `storage:move`, `storage:backup`, `storage:restore`: runs one of them and says how it ended. */

import { backUp } from './backup/backup.ts'
import { restore } from './backup/restore.ts'
import { ConfigError } from './config.ts'
import { moveDatabase } from './move/move.ts'
import { openOwnDatabase } from './own-database.ts'
import { Releases } from './service.ts'
import { parseStorageCommand, type StorageCommand } from './storage-command.ts'

const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

async function main(): Promise<number> {
  const parsed = parseStorageCommand(process.argv.slice(2))
  switch (parsed.kind) {
    case 'text':
      process.stdout.write(parsed.text)
      return EXIT.done
    case 'wrong':
      for (const error of parsed.errors) console.error(`${parsed.name}: ${error}`)
      console.error(`${parsed.name}: --help lists the options`)
      return EXIT.usage
    case 'run':
      return run(parsed.command)
  }
}

interface Outcome {
  code: number
  line: string
}

async function run(command: StorageCommand): Promise<number> {
  const say = (line: string) => console.error(`storage:${command.kind}: ${line}`)
  const releases = new Releases()
  const interrupted = new Promise<Outcome>((resolve) => {
    const goesOn = command.kind === 'move' ? '; the same command goes on from here' : ''
    const stop = () => resolve({ code: EXIT.interrupted, line: `interrupted${goesOn}` })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  })
  const ended = execute(command, say, releases).then(
    (line): Outcome => ({ code: EXIT.done, line }),
    (error: NodeJS.ErrnoException): Outcome => ({
      code: error instanceof ConfigError ? EXIT.usage : EXIT.failed,
      line: error.message || String(error.code),
    }),
  )
  // What an interruption cuts off fails in its turn, and nobody has to hear of it.
  const { code, line } = await Promise.race([interrupted, ended])
  await releases.run().catch((error: Error) => say(error.message))
  if (code === EXIT.done) process.stdout.write(`${line}\n`)
  else say(line)
  return code
}

async function execute(
  command: StorageCommand,
  say: (line: string) => void,
  releases: Releases,
): Promise<string> {
  const source = async (url: string | undefined) => url ?? openOwnDatabase(true, releases)
  const target = async (url: string | undefined) => url ?? openOwnDatabase(false, releases)
  switch (command.kind) {
    case 'move': {
      const [from, to] = [await source(command.from), await target(command.to)]
      const { rows, rowsCopied, copyMs } = await moveDatabase({ from, to, say, releases })
      const rate = Math.round(rowsCopied / (copyMs / 1_000)).toLocaleString('en')
      return `${rows.toLocaleString('en')} rows are equal in both (${rate} rows/s); let Telltale start on the new database`
    }
    case 'backup':
      return backUp({ from: await source(command.from), file: command.file, say, releases })
    case 'restore':
      return restore({ to: await target(command.to), file: command.file, say, releases })
  }
}

main().then((code) => process.exit(code))
