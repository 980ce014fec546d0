/** The ledger against the database, device by device. */
import type { Pool } from '@telltale/infra/storage/pool'
import { Marks, readBook } from './book.ts'
import {
  deviceIdOf,
  deviceOf,
  expectedOf,
  isTimed,
  type Kind,
  kindOf,
  messageOf,
  originOf,
  originOfRejected,
  type Qos,
  qosOf,
  type Script,
} from './messages.ts'
import { countStrangers, eachRejected, eachRow, type Rejected, type Row } from './stored.ts'

type Breach = 'missing' | 'twice' | 'never sent' | 'changed' | 'wrongly rejected'

/** All that is known of one message that breaks a promise. */
export interface Offence {
  is: Breach
  /** -1: of none in the ledger. */
  device: number
  n: number | undefined
  kind: Kind | undefined
  qos: Qos | undefined
  /** Since the run began. */
  sentAtMs?: number
  ackedAtMs?: number
  detail: string
}

export interface Comparison {
  devices: number
  sent: number
  acked: number
  storedRows: number
  rejectedRows: number
  /** M: acknowledged, and not all of it stored. */
  missing: number
  /** D: rows of messages with a ts that are there twice. */
  twice: number
  /** P: rows nobody sent, or with another value than was sent. */
  neverSent: number
  /** Readable, and quarantined all the same. */
  wronglyRejected: number
  /** Messages without a ts, or unreadable ones, stored more than once: nothing promises otherwise. */
  repeated: number
  /** The first of them. */
  offences: Offence[]
}

const OFFENCES_MAX = 20

export interface Ledger {
  script: Script
  devices: number
  sentPath: string
  ackedPath: string
  /** What was sent more than once: without a time of its own it may be stored as often. */
  repeated: Marks
}

export async function compare(pool: Pool, ledger: Ledger): Promise<Comparison> {
  const comparing = new Comparing(ledger, await Marks.of(ledger.sentPath), await Marks.of(ledger.ackedPath))
  await eachRejected(pool, (rejected) => comparing.reject(rejected))
  for (let device = 0; device < ledger.devices; device++) {
    const end = comparing.begin(device)
    await eachRow(pool, ledger.script, { device, end }, (row) => comparing.take(row))
    comparing.end()
  }
  comparing.strangers(await countStrangers(pool, comparing.ids))
  await addTimes(comparing.result.offences, ledger)
  return comparing.result
}

class Comparing {
  readonly result: Comparison
  readonly ids: string[]
  readonly #script: Script
  readonly #sent: Marks
  readonly #acked: Marks
  readonly #repeated: Marks
  readonly #rejected = new Marks()
  #device = 0
  /** Of the device at hand: the rows of each message that were found, a bit each. */
  #found = new Uint16Array(0)

  constructor({ script, devices, repeated }: Ledger, sent: Marks, acked: Marks) {
    this.#script = script
    this.#sent = sent
    this.#acked = acked
    this.#repeated = repeated
    this.ids = Array.from({ length: devices }, (_, device) => deviceIdOf(device))
    this.result = {
      ...{ devices, sent: sent.count, acked: acked.count, storedRows: 0, rejectedRows: 0 },
      ...{ missing: 0, twice: 0, neverSent: 0, wronglyRejected: 0, repeated: 0, offences: [] },
    }
  }

  reject({ device: deviceId, payload, reason, topic }: Rejected): void {
    this.result.rejectedRows++
    const device = deviceOf(deviceId)
    const n = device < 0 ? undefined : originOfRejected(this.#script, device, payload)
    const detail = `rejected as "${reason}" on ${topic}: ${payload.slice(0, 200)}`
    if (n === undefined) {
      this.result.wronglyRejected++
      this.#offend({ is: 'wrongly rejected', device, n, detail })
    } else if (!this.#sent.has(device, n)) {
      this.result.neverSent++
      this.#offend({ is: 'never sent', device, n, detail })
    } else if (this.#rejected.has(device, n)) this.#again(device, n, detail)
    else this.#rejected.add(device, n)
  }

  /** @returns a number above all that the device may have sent */
  begin(device: number): number {
    this.#device = device
    this.#found = new Uint16Array(Math.max(this.#sent.endOf(device), this.#acked.endOf(device)))
    return this.#found.length
  }

  take(row: Row): void {
    this.result.storedRows++
    const device = this.#device
    const origin = originOf(this.#script, device, row)
    const shown = () => `${row.metric} = ${row.value} at ${new Date(row.timeMs).toISOString()}`
    if (origin.is === 'foreign') return this.#neverSent({ is: 'never sent', n: undefined, detail: shown() })
    const { n } = origin
    if (!this.#sent.has(device, n)) return this.#neverSent({ is: 'never sent', n, detail: shown() })
    if (origin.is === 'changed')
      return this.#neverSent({ is: 'changed', n, detail: `${shown()}; sent was ${origin.expected}` })
    const found = this.#found[n] as number
    const bit = 1 << origin.bit
    if ((found & bit) === 0) this.#found[n] = found | bit
    else this.#again(device, n, shown())
  }

  /** Nothing more of this device comes. */
  end(): void {
    const device = this.#device
    for (let n = 0; n < this.#found.length; n++) {
      if (!this.#acked.has(device, n)) continue
      const kind = kindOf(this.#script, device, n)
      const expected = expectedOf(kind)
      const found = kind === 'unreadable' ? Number(this.#rejected.has(device, n)) : (this.#found[n] as number)
      if (found === expected) continue
      this.result.missing++
      const detail = `rows found ${found.toString(2)} of ${expected.toString(2)}: ${messageOf(this.#script, device, n).payload}`
      this.#offend({ is: 'missing', device, n, detail })
    }
  }

  strangers(series: number): void {
    if (series === 0) return
    this.result.neverSent += series
    this.#offend({
      ...{ is: 'never sent', device: -1, n: undefined },
      detail: `${series} series of devices that are not in the ledger`,
    })
  }

  #again(device: number, n: number, detail: string): void {
    if (!isTimed(kindOf(this.#script, device, n)) && this.#repeated.has(device, n)) {
      this.result.repeated++
      return
    }
    this.result.twice++
    this.#offend({ is: 'twice', device, n, detail })
  }

  #neverSent(offence: { is: Breach; n: number | undefined; detail: string }): void {
    this.result.neverSent++
    this.#offend({ ...offence, device: this.#device })
  }

  #offend({
    is,
    device,
    n,
    detail,
  }: {
    is: Breach
    device: number
    n: number | undefined
    detail: string
  }): void {
    if (this.result.offences.length >= OFFENCES_MAX) return
    const known = n !== undefined && device >= 0
    this.result.offences.push({
      ...{ is, device, n, detail },
      kind: known ? kindOf(this.#script, device, n) : undefined,
      qos: known ? qosOf(device, n) : undefined,
    })
  }
}

/** The books are read once more, for the few that matter. */
async function addTimes(offences: Offence[], { sentPath, ackedPath }: Ledger): Promise<void> {
  const note = (path: string, name: 'sentAtMs' | 'ackedAtMs') =>
    readBook(path, (device, n, atMs) => {
      for (const offence of offences) if (offence.device === device && offence.n === n) offence[name] ??= atMs
    })
  if (offences.length === 0) return
  await note(sentPath, 'sentAtMs')
  await note(ackedPath, 'ackedAtMs')
}
