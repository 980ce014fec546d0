import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The command line of a process; undefined when nobody can tell, empty when there is no such process. */
export async function commandOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux')
    return readFile(`/proc/${pid}/cmdline`, 'utf8').catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? '' : undefined,
    )
  return run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}

/** The id of a PostgreSQL process that works in this folder, server or backend; only Linux tells. */
export async function findServerIn(databaseDir: string): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = (await commandOf(Number(name))) ?? ''
    if (!command.includes('postgres')) continue
    const words = command.split('\0')
    // A backend names its user and database instead; every one works in the folder.
    const folder = await readlink(`/proc/${name}/cwd`).catch(() => '')
    if (words.includes(databaseDir) || folder === databaseDir) return Number(name)
  }
  return undefined
}
