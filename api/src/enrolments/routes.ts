import { approveEnrolment, listEnrolments, rejectEnrolment } from '@telltale/infra/storage/enrolments'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { DeviceId } from '../contract/common.ts'
import { Device, Enrolment, Page, PageQuery } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { DeviceParams } from '../devices/routes.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'

export function enrolmentRoutes(app: Api, deps: Deps): void {
  const { pool } = deps

  app.get(
    '/enrolments',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['enrolments'],
        summary: 'Devices with the enrolment key that wait to be let in, by id',
        querystring: PageQuery,
        response: { 200: Page(Enrolment) },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const after = decodeCursor<string>(cursor, DeviceId)
      const rows = await listEnrolments(pool, { limit: limit + 1, after })
      return toPage(rows, limit, { item: (enrolment) => enrolment, key: ({ deviceId }) => deviceId })
    },
  )

  app.post(
    '/enrolments/:id/approve',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['enrolments'],
        summary: 'Register a device that waits; it connects when it tries again',
        params: DeviceParams,
        response: { 200: Device },
      },
    },
    async (request) => {
      const { id } = request.params
      const device = await approveEnrolment(pool, id)
      if (device === 'no_enrolment') throw new ProblemError('enrolment_not_found')
      if (device === 'device_exists') throw new ProblemError('device_exists')
      await audit(deps, request, { action: 'enrolment.approve', target: id, result: 'ok' })
      return device
    },
  )

  app.delete(
    '/enrolments/:id',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['enrolments'],
        summary: 'Reject a device that waits; it may ask again a day later',
        params: DeviceParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (!(await rejectEnrolment(pool, id))) throw new ProblemError('enrolment_not_found')
      await audit(deps, request, { action: 'enrolment.reject', target: id, result: 'ok' })
      return reply.code(204).send(null)
    },
  )
}
