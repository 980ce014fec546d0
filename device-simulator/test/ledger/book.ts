/** The two books of the ledger: what was sent and what was acknowledged, on disk before anybody relies on it. */
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Device, number of the message, milliseconds since the run began: three unsigned 32-bit numbers. */
const RECORD_BYTES = 12
const GROUP_RECORDS = 4_096

/** Appends records; `sync` puts all of them on disk at once. */
export class Book {
  readonly path: string
  readonly #file: FileHandle
  #group = Buffer.allocUnsafe(GROUP_RECORDS * RECORD_BYTES)
  #bytes = 0
  #syncing: Promise<void> = Promise.resolve()
  count = 0

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  static async create(path: string): Promise<Book> {
    return new Book(path, await open(path, 'wx'))
  }

  add(device: number, n: number, atMs: number): void {
    if (this.#bytes === this.#group.length) this.#grow()
    this.#group.writeUInt32LE(device, this.#bytes)
    this.#group.writeUInt32LE(n, this.#bytes + 4)
    this.#group.writeUInt32LE(atMs >>> 0, this.#bytes + 8)
    this.#bytes += RECORD_BYTES
    this.count++
  }

  /** Resolves when everything added before is on disk. */
  sync(): Promise<void> {
    this.#syncing = this.#syncing.then(() => this.#write())
    return this.#syncing
  }

  async close(): Promise<void> {
    await this.sync()
    await this.#file.close()
  }

  async #write(): Promise<void> {
    if (this.#bytes === 0) return
    const group = this.#group.subarray(0, this.#bytes)
    this.#group = Buffer.allocUnsafe(GROUP_RECORDS * RECORD_BYTES)
    this.#bytes = 0
    await this.#file.appendFile(group)
    await this.#file.datasync()
  }

  /** Only while a sync takes long: what gathers meanwhile is bounded by the devices' windows. */
  #grow(): void {
    const larger = Buffer.allocUnsafe(2 * this.#group.length)
    this.#group.copy(larger)
    this.#group = larger
  }
}

/** Visits all records of a book in the order they were made; a torn last one is none. */
export async function readBook(
  path: string,
  visit: (device: number, n: number, atMs: number) => void,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const bytes: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer)
    const whole = bytes.length - (bytes.length % RECORD_BYTES)
    for (let at = 0; at < whole; at += RECORD_BYTES)
      visit(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8))
    rest = bytes.subarray(whole)
  }
}

/** Which numbers of each device a book names: a bit each. */
export class Marks {
  readonly #devices: Uint8Array[] = []
  count = 0

  static async of(path: string): Promise<Marks> {
    const marks = new Marks()
    await readBook(path, (device, n) => marks.add(device, n))
    return marks
  }

  add(device: number, n: number): void {
    let bits = this.#devices[device] ?? new Uint8Array(1_024)
    if (n >>> 3 >= bits.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2((n >>> 3) + 1)))
      larger.set(bits)
      bits = larger
    }
    const before = bits[n >>> 3] as number
    const after = before | (1 << (n & 7))
    if (after !== before) this.count++
    bits[n >>> 3] = after
    this.#devices[device] = bits
  }

  has(device: number, n: number): boolean {
    return (((this.#devices[device]?.[n >>> 3] ?? 0) >>> (n & 7)) & 1) === 1
  }

  /** One above the highest number a device may have. */
  endOf(device: number): number {
    return 8 * (this.#devices[device]?.length ?? 0)
  }
}
