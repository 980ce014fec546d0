import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { nodeFlags } from '../node-flags.ts'
import { repositoryDir } from '../paths.ts'

/** A real program of the product, as built, in a process of its own. */
export interface Program {
  process: ChildProcess
  /** Everything it printed, for assertions and for telling why a test failed. */
  output: () => string
  /** SIGTERM; resolves with the exit code. */
  stop: () => Promise<number | null>
  /** SIGKILL; resolves when it is gone. */
  kill: () => Promise<void>
}

/** How to start a program other than as built: for benchmarks. */
export interface Launch {
  /** Another build of it. */
  script?: string
  /** For Node, besides the program's own. */
  flags?: string[]
}

/**
 * Starts `{name}/dist/main.js` and resolves when it says it is ready.
 * @throws when it exits first, with what it printed
 */
export async function startProgram(
  name: 'broker' | 'api',
  env: Record<string, string>,
  { script = join(repositoryDir(), name, 'dist', 'main.js'), flags = [] }: Launch = {},
): Promise<Program> {
  const child = fork(script, {
    execArgv: [...nodeFlags[name], ...flags],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, TELLTALE_LOG_LEVEL: 'warn', ...env },
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const exited = once(child, 'exit') as Promise<[number | null]>
  const first = await Promise.race([once(child, 'message'), exited.then(() => 'exited' as const)])
  if (first === 'exited') throw new Error(`${name} did not start (exit code ${child.exitCode}):\n${output}`)
  return {
    process: child,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      return (await exited)[0]
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
