import type { Readiness } from '@telltale/api/contract'
import { expect, it } from 'vitest'
import { chooseBanner } from './banner-choice.ts'

const calm = {
  readiness: undefined,
  hasNewVersion: false,
  hasUnsaved: false,
  isViewer: false,
  isDismissed: false,
}

function readiness(database: boolean, broker: boolean): Readiness {
  const checks = [
    { name: 'database', ok: database },
    { name: 'broker', ok: broker },
  ]
  return { ready: database && broker, version: '1.0.0', checks }
}

it.each([
  { case: 'nothing', facts: {}, shown: undefined },
  { case: 'all is well', facts: { readiness: readiness(true, true) }, shown: undefined },
  { case: 'the database is away', facts: { readiness: readiness(false, true) }, shown: 'database-away' },
  { case: 'the broker is away', facts: { readiness: readiness(true, false) }, shown: 'broker-away' },
  { case: 'a new version', facts: { hasNewVersion: true }, shown: 'new-version' },
  { case: 'a viewer', facts: { isViewer: true }, shown: 'look-only' },
  { case: 'a viewer who knows', facts: { isViewer: true, isDismissed: true }, shown: undefined },
  {
    case: 'all at once',
    facts: { readiness: readiness(false, false), hasNewVersion: true, isViewer: true },
    shown: 'database-away',
  },
  {
    case: 'a new version for a viewer',
    facts: { hasNewVersion: true, isViewer: true },
    shown: 'new-version',
  },
])('O-BANNER-1 one line at most: $case', ({ facts, shown }) => {
  expect(chooseBanner({ ...calm, ...facts })?.kind).toBe(shown)
})
