import type { Spool } from '../contract/index.ts'
import type { BrokerTotals } from '../live/totals.ts'

/** What waits on the brokers' disks, for a person; undefined when there is nothing to say. */
export function spoolWords(spool: Spool | null, brokers: readonly BrokerTotals[]): string | undefined {
  if (spool === null) return undefined
  const words = [waitingWords(spool, brokers), damageWords(brokers)].filter((part) => part !== undefined)
  return words.length === 0 ? undefined : words.join('. ')
}

function waitingWords(spool: Spool, brokers: readonly BrokerTotals[]): string | undefined {
  switch (spool.state) {
    case 'empty':
      return undefined
    case 'taking':
      return `${countWords(spool)}; they are stored as soon as the database takes them`
    case 'replaying':
      return `${countWords(spool)}; they are being stored now`
    case 'full':
      return [...refusalWords(brokers), countWords(spool)].join('. ')
  }
}

/** Of each reason there is: where, and what ends it. */
function refusalWords(brokers: readonly BrokerTotals[]): string[] {
  const at = (...reasons: (Spool['refusal'] | undefined)[]) =>
    namesOf(brokers, ({ spool }) => spool?.state === 'full' && reasons.includes(spool.refusal))
  const [bound, disk, failed] = [at('full', undefined), at('disk_full'), at('failed')]
  const words: string[] = []
  if (bound)
    words.push(
      `all that may wait on disk at ${bound} (TELLTALE_SPOOL_BYTES) is used up: publishers are held up until the database answers`,
    )
  if (disk)
    words.push(
      `the disk at ${disk} has too little room left: publishers are held up until there is room, or the database answers`,
    )
  if (failed)
    words.push(
      `the disk at ${failed} fails, the log says how: publishers are held up until it works, or the database answers`,
    )
  return words
}

function countWords({ messages, oldestAt }: Spool): string {
  const since = oldestAt === null ? '' : `, the oldest since ${clockWords(oldestAt)}`
  if (messages === 1) return `1 message waits on a broker's disk${since.replace('the oldest ', '')}`
  return `${messages.toLocaleString('en-US')} messages wait on the brokers' disks${since}`
}

/** With its day when that is not today's. */
function clockWords(timeMs: number): string {
  const [day, time] = new Date(timeMs).toISOString().slice(0, 19).split('T')
  const isToday = day === new Date().toISOString().slice(0, 10)
  return isToday ? `${time} UTC` : `${day} ${time} UTC`
}

function damageWords(brokers: readonly BrokerTotals[]): string | undefined {
  const bytes = brokers.reduce((sum, { spool }) => sum + (spool?.damagedBytes ?? 0), 0)
  if (bytes === 0) return undefined
  const at = namesOf(brokers, ({ spool }) => (spool?.damagedBytes ?? 0) > 0)
  return (
    `${bytes.toLocaleString('en-US')} bytes of what waited at ${at} could not be read and were set aside ` +
    'in the folder spool or spool-words of its data folder'
  )
}

function namesOf(brokers: readonly BrokerTotals[], which: (broker: BrokerTotals) => boolean): string {
  return brokers
    .filter(which)
    .map(({ brokerId }) => brokerId)
    .join(', ')
}
