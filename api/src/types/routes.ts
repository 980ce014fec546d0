import {
  type DeviceTypeRecord,
  deleteDeviceType,
  getDeviceType,
  listDeviceTypes,
  putDeviceType,
} from '@telltale/infra/storage/device-types'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { audit } from '../audit.ts'
import { DeviceType, DeviceTypeBody, Page, PageQuery, TypeName } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { checkType } from './check-type.ts'

const TypeParams = Type.Object({ name: TypeName })

export function typeRoutes(app: Api, deps: Deps): void {
  readRoutes(app, deps)
  writeRoutes(app, deps)
}

function readRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/types',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['types'],
        summary: 'List device types by name',
        querystring: PageQuery,
        response: { 200: Page(DeviceType) },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const after = decodeCursor<string>(cursor, TypeName)
      const rows = await listDeviceTypes(pool, { limit: limit + 1, after })
      return toPage(rows, limit, { item: toAnswer, key: ({ name }) => name })
    },
  )

  app.get(
    '/types/:name',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['types'],
        summary: 'One device type',
        params: TypeParams,
        response: { 200: DeviceType },
      },
    },
    async ({ params: { name } }) => {
      const type = await getDeviceType(pool, name)
      if (!type) throw new ProblemError('type_not_found')
      return toAnswer(type)
    },
  )
}

function writeRoutes(app: Api, deps: Deps): void {
  const { pool } = deps

  app.put(
    '/types/:name',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['types'],
        summary: 'Describe a device type, in place of what was said of it before',
        // A name somebody made up is told what is wrong with it; elsewhere there is nothing at such an address.
        params: Type.Object({ name: Type.String() }),
        body: DeviceTypeBody,
        response: { 200: DeviceType, 201: DeviceType },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      if (!Check(TypeName, name)) throw new ProblemError('invalid_request', { fields: [NAME_FAULT] })
      await checkType(request.body)
      const { label = null, metrics = {}, commands = {} } = request.body
      const updatedBy = principalOf(request).name
      const { type, isNew } = await putDeviceType(pool, { name, label, metrics, commands, updatedBy })
      const action = isNew ? 'type.create' : 'type.change'
      const detail = { metrics: Object.keys(metrics).length, commands: Object.keys(commands).length }
      await audit(deps, request, { action, target: name, detail, result: 'ok' })
      return reply.code(isNew ? 201 : 200).send(toAnswer(type))
    },
  )

  app.delete(
    '/types/:name',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['types'],
        summary: 'Delete the description of a device type; its devices keep the name',
        params: TypeParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      if (!(await deleteDeviceType(pool, name))) throw new ProblemError('type_not_found')
      await audit(deps, request, { action: 'type.delete', target: name, result: 'ok' })
      return reply.code(204).send(null)
    },
  )
}

const NAME_FAULT = {
  path: 'params/name',
  message: 'must be 1 to 64 characters of A-Z a-z 0-9 _ . -, not beginning with a dot',
}

/** What is stored was checked against the contract when it came. */
function toAnswer(type: DeviceTypeRecord): DeviceType {
  return type as DeviceType
}
