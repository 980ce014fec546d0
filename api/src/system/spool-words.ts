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
      return (
        `the disk space for waiting messages is used up at ${namesOf(brokers, isFull)}: publishers are held up ` +
        `until the database answers, or there is room on the disk. ${countWords(spool)}`
      )
  }
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

function isFull({ spool }: BrokerTotals): boolean {
  return spool?.state === 'full'
}

function namesOf(brokers: readonly BrokerTotals[], which: (broker: BrokerTotals) => boolean): string {
  return brokers
    .filter(which)
    .map(({ brokerId }) => brokerId)
    .join(', ')
}
