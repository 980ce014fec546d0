import { limits } from '@telltale/infra/limits'
import { countSelectedDevices } from '@telltale/infra/storage/command-batches'
import { changeDevices } from '@telltale/infra/storage/device-changes'
import { audit, auditEach } from '../audit.ts'
import { TAGS_MAX } from '../contract/devices.ts'
import { DevicesChange, DevicesChanged } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { ProblemError } from '../problems.ts'

/** Ten thousand ids of the longest. */
const BODY_BYTES_MAX = 1024 * 1024
/** Ids an audit entry repeats; a filter it repeats whole. */
const IDS_AUDITED_MAX = 100

export function deviceChangeRoutes(app: Api, deps: Deps): void {
  const { pool, link } = deps
  app.patch(
    '/devices',
    {
      config: { role: 'operator' },
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        tags: ['devices'],
        summary: 'Change every device a filter matches, all or none; `dryRun` counts them first',
        body: DevicesChange,
        response: { 200: DevicesChanged },
      },
    },
    async (request) => {
      const { filter, dryRun = false, addTags = [], removeTags = [], disabled, devicesMax } = request.body
      if (dryRun) {
        const { devices } = await countSelectedDevices(pool, filter)
        return { devices, changed: 0, refused: 0 }
      }
      checkSomethingToDo(request.body)
      const done = await changeDevices(pool, filter, {
        ...{ addTags, removeTags, disabled, devicesMax },
        tagsMax: TAGS_MAX,
      })
      if (done.outcome !== 'changed') throw refusal(done)
      const { matching: devices, changed, refused, switchedIds: targets } = done
      if (disabled) for (const id of targets) link.revoked(id)
      await auditEach(deps, request, { action: 'device.change', detail: { disabled, many: true }, targets })
      const detail = { filter: shortened(filter), addTags, removeTags, disabled, devices, changed }
      await audit(deps, request, { action: 'device.change_many', detail, result: 'ok' })
      return { devices, changed, refused }
    },
  )
}

function checkSomethingToDo({ addTags = [], removeTags = [], disabled }: DevicesChange): void {
  if (addTags.length === 0 && removeTags.length === 0 && disabled === undefined)
    throw wrong('body', 'must change something: addTags, removeTags or disabled')
  const both = addTags.find((tag) => removeTags.includes(tag))
  if (both !== undefined) throw wrong('body/removeTags', `also adds ${both}`)
}

function wrong(path: string, message: string): ProblemError {
  return new ProblemError('invalid_request', { fields: [{ path, message }] })
}

function refusal(done: { outcome: 'no_devices' | 'too_many' | 'more_now'; matching: number }): ProblemError {
  switch (done.outcome) {
    case 'no_devices':
      return new ProblemError('no_devices')
    case 'too_many': {
      const message = `matches more than ${limits.fleet.changeDevicesMax} devices`
      return new ProblemError('too_many_devices', { fields: [{ path: 'body/filter', message }] })
    }
    case 'more_now': {
      const message = `the filter matches ${done.matching} devices now`
      return new ProblemError('selection_changed', { fields: [{ path: 'body/devicesMax', message }] })
    }
  }
}

function shortened(filter: DevicesChange['filter']): DevicesChange['filter'] {
  return filter.ids === undefined ? filter : { ...filter, ids: filter.ids.slice(0, IDS_AUDITED_MAX) }
}
