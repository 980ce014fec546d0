import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A program that opens `spool` in the folder of its first argument; the lines of its text are up to the test. */
export async function bundleProgram(text: string, outfile: string): Promise<void> {
  const contents = `
    import { writeSync } from 'node:fs'
    import { numbered, numberOf } from './numbered.ts'
    import { Spool } from './spool.ts'
    const say = (line) => writeSync(1, line + '\\n')
    const log = { info() {}, warn() {}, error() {} }
    const open = () => Spool.open({ folder: process.argv[2], bytesMax: 1_000_000_000, log })
    ${text}`
  const resolveDir = fileURLToPath(new URL('.', import.meta.url))
  await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  })
}

interface Started {
  child: ChildProcess
  /** It is gone and all it printed was seen. */
  ended: Promise<unknown>
}

/** `through` is a command that ends by running what follows it. */
export function startProgram(
  file: string,
  options: {
    args: string[]
    through?: string[]
    onLine: (line: string) => void
  },
): Started {
  const [command = '', ...args] = [...(options.through ?? []), process.execPath, file, ...options.args]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout).on('line', options.onLine)
  return { child, ended: Promise.all([once(child, 'close'), once(lines, 'close')]) }
}
