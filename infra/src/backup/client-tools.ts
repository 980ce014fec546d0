import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { type Releases, StartError } from '../service.ts'

/** PostgreSQL's own programs for backups; npm brings none of them. */
export type ClientTool = 'pg_dump' | 'pg_restore'

/**
 * @param versionMin the oldest major version that will do
 * @param why completes "… is needed, because …"
 * @returns its major version
 * @throws StartError when it is missing or too old
 */
export async function checkClientTool(tool: ClientTool, versionMin: number, why: string): Promise<number> {
  const { stdout } = await promisify(execFile)(tool, ['--version']).catch(() => ({ stdout: '' }))
  const wanted = `install PostgreSQL's client programs of version ${versionMin} or newer`
  const version = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1])
  if (!version) throw new StartError(`${tool} is not on the PATH; ${wanted}`)
  if (version < versionMin)
    throw new StartError(
      `${tool} on the PATH has version ${version}, but ${versionMin} is needed, because ${why}; ${wanted}`,
    )
  return version
}

/**
 * Runs it on the database at `url`. The password goes through the environment: others can read a command line.
 * @returns what it wrote to stderr, and its exit code
 */
export async function runClientTool(
  tool: ClientTool,
  { url, args, releases }: { url: string; args: string[]; releases: Releases },
): Promise<{ code: number | null; stderr: string }> {
  const address = new URL(url)
  const password = decodeURIComponent(address.password)
  address.password = ''
  const child = spawn(tool, ['--no-password', `--dbname=${address.href}`, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...(password && { PGPASSWORD: password }) },
  })
  releases.add(tool, () => child.kill())
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stderr }))
  })
}
