/** What an idle reader costs the API in memory. */
import { Releases } from '@telltale/infra/service'
import { waitFor } from '@telltale/infra/testing/wait'
import { gather, type LiveProduct, registerMarked } from './live-stack.ts'
import { type Memory, memoryOf, share } from './p5-devices.ts'

/** The API takes 4,000 streams in all. */
const READERS = [1_000, 3_000]
/** They come and go first: what the API allocates once is no reader's. */
const FIRST_READERS = 100
const GONE_DEADLINE_MS = 30_000
const SILENT = 'silent-1'

export interface IdleReaders {
  readers: number
  perReader: Memory
  openSeconds: number
}

/** What the API gains by readers of a device that is silent. */
export async function weighReaders(
  live: LiveProduct,
  { scale, releases, log }: { scale: number; releases: Releases; log(line: string): void },
): Promise<{ idle: IdleReaders[]; faults: string[] }> {
  await registerMarked(live.database, [SILENT])
  const own = new Releases()
  const faults: string[] = []
  releases.add('idle readers', () => own.run())
  const open = async (readers: number, firstAddress: number) => {
    const crowd = await gather(live, { readers, selections: [SILENT], firstAddress }, own)
    faults.push(...crowd.violations)
    return crowd
  }
  await (await open(Math.ceil(FIRST_READERS * scale), 0)).leave()
  await untilStreams(live, 0)
  const api = live.api.program.process
  const before = await memoryOf(api)
  const idle: IdleReaders[] = []
  let present = 0
  for (const readers of READERS.map((full) => Math.ceil(full * scale))) {
    const { opened } = await open(readers - present, present)
    present = readers
    const perReader = share(before, await memoryOf(api), readers)
    idle.push({ readers, perReader, openSeconds: opened.seconds })
    log(`P4 ${readers} idle readers: ${(perReader.rssBytes / 1_000).toFixed(1)} KB each`)
  }
  await own.run()
  await untilStreams(live, 0)
  return { idle, faults }
}

/** Streams of a crowd that was ended are gone when the API has noticed. */
export async function untilStreams({ api }: LiveProduct, wanted: number): Promise<void> {
  const count = async () => {
    const response = await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${api.token}` } })
    return Number(/^telltale_live_streams(?:\{[^}]*\})? (\d+)/m.exec(await response.text())?.[1])
  }
  await waitFor(`${wanted} streams`, async () => (await count()) === wanted, GONE_DEADLINE_MS)
}
