/** The command lines of `storage:move`, `storage:backup` and `storage:restore`. */
import { Command, CommanderError } from 'commander'
import { Value } from 'typebox/value'
import { settings } from './settings.ts'

export interface StorageCommand {
  kind: 'move' | 'backup' | 'restore'
  /** Undefined where the option was left out: the database of this installation is meant. */
  from: string | undefined
  to: string | undefined
  /** Empty for a move. */
  file: string
}

export type Parsed =
  | { kind: 'run'; command: StorageCommand }
  | { kind: 'text'; text: string }
  | { kind: 'wrong'; name: string; errors: string[] }

/** As `npm start` chooses it. */
const OWN = 'left out: TELLTALE_DATABASE_URL, or else the embedded one in TELLTALE_DATA_DIR'
const PASSWORDS = `
A password may be left out of an address, where others could read it: PGPASSWORD and ~/.pgpass work as everywhere.
Exit codes: 0 done · 1 refused or failed · 2 wrong usage · 130 interrupted.`

const programs = {
  move: () =>
    new Command('storage:move')
      .description('Copies a whole Telltale database into an empty one, of any engine, and compares the two.')
      .option('--from <url>', `the database to copy; nothing is written to it; ${OWN}`)
      .option('--to <url>', `an empty database, which must exist; ${OWN}`)
      .addHelpText(
        'after',
        `
Stop Telltale first. Interrupted or killed, the same command goes on where it was. Progress goes to stderr.
${PASSWORDS}`,
      ),
  backup: () =>
    new Command('storage:backup')
      .description(
        'Writes a backup with pg_dump (custom format), and beside it, as FILE.json, what is in it.',
      )
      .requiredOption('--file <path>', 'the file to write; an existing one is not overwritten')
      .option('--from <url>', `the database; ${OWN}`)
      .addHelpText(
        'after',
        `
Telltale may run meanwhile. pg_dump must be on the PATH, of the server's major version or newer.
${PASSWORDS}`,
      ),
  restore: () =>
    new Command('storage:restore')
      .description('Restores a backup into an empty database with pg_restore, and counts its rows.')
      .requiredOption('--file <path>', 'the file that storage:backup wrote; FILE.json must lie beside it')
      .option('--to <url>', `an empty database, which must exist; ${OWN}`)
      .addHelpText(
        'after',
        `
With TimescaleDB in the backup, the target needs the same version of it. pg_restore must be on the PATH, at least as new
as the pg_dump that wrote the backup.
${PASSWORDS}`,
      ),
} as const

/** `argv` without node and script; its first word is the command. Never throws, prints nothing. */
export function parseStorageCommand(argv: readonly string[]): Parsed {
  const [kind = '', ...args] = argv
  if (!isCommand(kind))
    return {
      kind: 'wrong',
      name: 'storage',
      errors: [`give one of move, backup, restore`],
    }
  let text = ''
  const program = programs[kind]()
    .exitOverride()
    .configureOutput({ writeOut: (part) => (text += part), writeErr: () => {} })
  const name = program.name()
  try {
    program.parse(
      args.filter((argument) => argument !== '--'),
      { from: 'user' },
    )
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'text', text }
    return { kind: 'wrong', name, errors: [error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')] }
  }
  const options = program.opts<{ from?: string; to?: string; file?: string }>()
  const errors = findErrors(kind, options)
  if (errors.length > 0) return { kind: 'wrong', name, errors }
  const { from, to, file = '' } = options
  return { kind: 'run', command: { kind, from, to, file } }
}

function isCommand(kind: string): kind is StorageCommand['kind'] {
  return Object.hasOwn(programs, kind)
}

function findErrors(kind: string, { from, to }: { from?: string; to?: string }): string[] {
  const setting = settings.TELLTALE_DATABASE_URL
  const errors = Object.entries({ from, to })
    .filter(([, url]) => url !== undefined && !Value.Check(setting, url))
    .map(
      ([option]) =>
        `--${option}: its value is not a PostgreSQL address such as postgres://user:password@host:5432/telltale`,
    )
  if (kind === 'move' && from === undefined && to === undefined) errors.push('give --from or --to or both')
  return errors
}
