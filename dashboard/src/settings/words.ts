import type { Settings } from '@telltale/api/contract'

type Told = NonNullable<Settings['brokers'][number]['settings']>

export type Fact = {
  label: string
  /** What changes it. */
  variable: string
  /** What it is; of several brokers that differ, each its own. */
  values: { value: string; brokers: string[] }[]
  meaning: string
}

export type Facts = { enrolment: Fact[]; readings: Fact[]; database: Fact[] }

const enrolmentWords = {
  closed: 'Closed',
  approve: 'By approval',
  open: 'Open',
} as const

const enrolmentMeaning = {
  closed: 'A device that nobody registered is refused, whatever it shows.',
  approve: 'A device that nobody registered and shows the enrolment key waits below until somebody decides.',
  open: 'A device that nobody registered and shows the enrolment key is registered by itself.',
} as const

export function toFacts({ brokers, database }: Settings): Facts {
  const of = (read: (settings: Told) => string) => valuesOf(brokers, read)
  const told = brokers.find(({ settings }) => settings !== null)?.settings
  return {
    enrolment: [
      {
        label: 'Enrolment',
        variable: 'TELLTALE_ENROLMENT',
        values: of(({ enrolment }) => enrolmentWords[enrolment]),
        meaning: enrolmentMeaning[told?.enrolment ?? 'closed'],
      },
      {
        label: 'Enrolment key',
        variable: 'TELLTALE_ENROLMENT_KEY',
        values: of(({ enrolmentKeySet }) => (enrolmentKeySet ? 'Set' : 'Not set')),
        meaning: 'The password a new device sends instead of a secret of its own. It is never shown.',
      },
    ],
    readings: [
      {
        label: 'Retention',
        variable: 'TELLTALE_RETENTION_DAYS',
        values: of(({ retentionDays }) => (retentionDays === 0 ? 'Keeps everything' : days(retentionDays))),
        meaning:
          told?.retentionDays === 0
            ? 'With a number of days, single readings older than that are dropped; averages, minima and maxima stay.'
            : 'Single readings older than this are dropped. Averages, minima and maxima of a minute and longer stay.',
      },
      {
        label: 'Backfill',
        variable: 'TELLTALE_BACKFILL_DAYS',
        values: of(({ backfillDays }) => days(backfillDays)),
        meaning:
          'How old a reading may be when it arrives. An older one is kept apart as a rejected message.',
      },
    ],
    database: [
      {
        label: 'Database',
        variable: 'TELLTALE_DATABASE_URL',
        values: [{ value: databaseWords(database), brokers: [] }],
        meaning:
          database.engine === 'timescale'
            ? 'Readings are compressed and rolled up by TimescaleDB.'
            : 'Plain PostgreSQL: the broker rolls readings up itself. With TimescaleDB they take less room.',
      },
    ],
  }
}

/** Brokers that agree are one value; those that have not told are left out unless none has. */
function valuesOf(brokers: Settings['brokers'], read: (settings: Told) => string): Fact['values'] {
  const byValue = new Map<string, string[]>()
  for (const { brokerId, settings } of brokers) {
    if (settings === null) continue
    const value = read(settings)
    byValue.set(value, [...(byValue.get(value) ?? []), brokerId])
  }
  return [...byValue].map(([value, names]) => ({ value, brokers: names }))
}

function databaseWords({ engine, serverVersion, extensionVersion }: Settings['database']): string {
  const server = `PostgreSQL ${serverVersion.split(' ')[0] ?? ''}`
  return engine === 'timescale' ? `${server} with TimescaleDB ${extensionVersion ?? ''}`.trim() : server
}

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`
}
