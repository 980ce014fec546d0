import { StartError } from '@telltale/infra/service'
import { ClassicLevel } from 'classic-level'

export type Database = ClassicLevel<Buffer, Buffer>
export type Write = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer }

interface Group {
  writes: Write[]
  isSynced: boolean
  done: Promise<void>
  settle: (outcome: Promise<void>) => void
}

/**
 * Writes in groups: while one is being written the next gathers, so a busy disk gets fewer and larger ones. They reach
 * the disk in the order they were asked for, and each call is all or nothing.
 */
export class Disk {
  readonly #folder: string
  #database: Database | undefined
  #gathering: Group | undefined
  #busy: Promise<void> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @throws StartError when another process has the folder, or it cannot be read */
  async open(): Promise<Database> {
    const database: Database = new ClassicLevel(this.#folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    })
    try {
      await database.open()
    } catch (error) {
      throw new StartError(whyNot(error, this.#folder), { cause: error })
    }
    this.#database = database
    return database
  }

  async close(): Promise<void> {
    await this.#busy
    await this.#database?.close()
    this.#database = undefined
  }

  get database(): Database {
    if (!this.#database) throw new Error('the session store is closed')
    return this.#database
  }

  /** Survives the end of the process in any case; synced, the end of the machine too. */
  write(writes: Write[], { isSynced } = { isSynced: false }): Promise<void> {
    if (writes.length === 0) return Promise.resolve()
    const group = this.#gathering ?? newGroup()
    this.#gathering = group
    for (const write of writes) group.writes.push(write)
    group.isSynced ||= isSynced
    this.#busy ??= this.#writeGroups()
    return group.done
  }

  async #writeGroups(): Promise<void> {
    // What else comes in this tick belongs to the first group.
    await new Promise(setImmediate)
    while (this.#gathering) {
      const { writes, isSynced, done, settle } = this.#gathering
      this.#gathering = undefined
      settle(this.#batch(writes, isSynced))
      await done.catch(() => {})
    }
    this.#busy = undefined
  }

  async #batch(writes: Write[], isSynced: boolean): Promise<void> {
    await this.database.batch(writes, { sync: isSynced })
  }
}

function newGroup(): Group {
  let settle: Group['settle'] = () => {}
  const done = new Promise<void>((resolve) => {
    settle = resolve
  })
  return { writes: [], isSynced: false, done, settle }
}

function whyNot(error: unknown, folder: string): string {
  const cause = error instanceof Error ? error.cause : undefined
  const { code, message } = (cause ?? error) as { code?: string; message: string }
  if (code === 'LEVEL_LOCKED')
    return `the sessions in ${folder} are in use by another process; stop it, or choose another folder`
  return `the sessions in ${folder} cannot be opened: ${message}`
}
