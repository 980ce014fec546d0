import type { DeviceType } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { newCommand, newMetric, newThreshold, placeTypeErrors, readTypeDraft, toDraft } from './draft.ts'

const type: DeviceType = {
  ...{ name: 'cold-room', label: 'Cold room', devices: 3, updatedAt: '', updatedBy: 'admin' },
  metrics: {
    temperature: {
      ...{ label: 'Air', unit: '°C', decimals: 1, min: -30, max: 0 },
      thresholds: [
        { above: -15, level: 'alarm' },
        { above: -17, below: -25, level: 'warning' },
      ],
    },
    door: {},
  },
  commands: { defrost: { label: 'Defrost', dangerous: true, params: { type: 'object' } }, reboot: {} },
}

describe('a type in the form', () => {
  it('D-TYPEDRAFT-1: what was saved comes back the same when nothing is changed', () => {
    const { body, errors } = readTypeDraft(toDraft(type))
    expect(errors.size).toBe(0)
    expect(body).toEqual({ label: type.label, metrics: type.metrics, commands: type.commands })
    expect(readTypeDraft(toDraft(null)).body).toEqual({ metrics: {}, commands: {} })
  })

  it('D-TYPEDRAFT-2: says what is wrong, each at its field', () => {
    const metric = {
      ...{ ...newMetric(), name: 'a', decimals: '11', min: 'low' },
      thresholds: [newThreshold()],
    }
    const command = { ...newCommand(), name: 'b', params: '{"type":' }
    const nameless = { ...newMetric(), unit: 'V' }
    const again = { ...newMetric(), name: ' a ', min: '5', max: '5' }
    const { errors } = readTypeDraft({ label: '', metrics: [metric, nameless, again], commands: [command] })
    expect(Object.fromEntries(errors)).toEqual({
      [`metrics/${metric.key}/decimals`]: '0 to 10.',
      [`metrics/${metric.key}/min`]: 'Must be a number.',
      [`metrics/${metric.key}/thresholds/${metric.thresholds[0]?.key}`]: 'Say above or below which number.',
      [`metrics/${nameless.key}/name`]: 'Needs a name.',
      [`metrics/${again.key}/name`]: 'There are two of that name.',
      [`metrics/${again.key}/max`]: 'Must be above where the axis begins.',
      [`commands/${command.key}/params`]: 'Not JSON at line 1, column 9.',
    })
  })

  it('D-TYPEDRAFT-2: an empty row is no row', () => {
    const { body, errors } = readTypeDraft({ label: ' ', metrics: [newMetric()], commands: [newCommand()] })
    expect([body, errors.size]).toEqual([{ metrics: {}, commands: {} }, 0])
  })
})

it('D-TYPEDRAFT-3: what the server found is placed at its field', () => {
  const odd = { ...newMetric(), name: 'a/b~c' }
  const draft = { ...toDraft(type), metrics: [...toDraft(type).metrics, odd] }
  const [temperature] = draft.metrics
  const [defrost] = draft.commands
  const { slots, rest } = placeTypeErrors(
    [
      { path: 'body/label', message: 'is too long' },
      { path: 'body/metrics/a~1b~0c/unit', message: 'is too long' },
      { path: 'body/metrics/temperature/thresholds/1', message: 'must have above' },
      { path: 'body/commands/defrost/params/properties/on/minimum', message: 'must be a number' },
      { path: 'body/commands/defrost/params/required', message: 'names "x"' },
      { path: 'body/metrics', message: 'are too many' },
      { path: 'body/commands/gone', message: 'is odd' },
    ],
    draft,
  )
  expect(Object.fromEntries(slots)).toEqual({
    label: 'is too long',
    [`metrics/${odd.key}/unit`]: 'is too long',
    [`metrics/${temperature?.key}/thresholds/${temperature?.thresholds[1]?.key}`]: 'must have above',
    [`commands/${defrost?.key}/params`]: 'properties › on › minimum: must be a number\nrequired: names "x"',
  })
  expect(rest).toEqual(['metrics: are too many', 'commands/gone: is odd'])
})
