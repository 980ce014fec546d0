import { randomBytes } from 'node:crypto'
import { deleteDevice } from '@telltale/infra/storage/deletions'
import { createDevice, getDevice, listDevices, updateDevice } from '@telltale/infra/storage/devices'
import { countPresence } from '@telltale/infra/storage/presence'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { DeviceId } from '../contract/common.ts'
import {
  Device,
  DeviceChange,
  DeviceCreated,
  DevicePage,
  DeviceQuery,
  FleetSummary,
  NewDevice,
} from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { parseNamedIds } from './ids.ts'

/** A page holds no more. */
const IDS_MAX = 200

export const DeviceParams = Type.Object({ id: DeviceId })

export function deviceRoutes(app: Api, deps: Deps): void {
  readRoutes(app, deps)
  writeRoutes(app, deps)
}

function readRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/devices',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'List devices by id',
        querystring: Type.Evaluate(DeviceQuery),
        response: { 200: DevicePage },
      },
    },
    async ({ query: { limit = 50, cursor, ids, ...selection } }) => {
      const after = decodeCursor<string>(cursor, DeviceId)
      const named = ids === undefined ? undefined : parseNamedIds(ids, IDS_MAX, 'query/ids')
      const rows = await listDevices(pool, { limit: limit + 1, after, ids: named, ...selection })
      return toPage(rows, limit, { item: (device) => device, key: (device) => device.id })
    },
  )

  app.get(
    '/devices/:id',
    {
      config: { role: 'viewer' },
      schema: { tags: ['devices'], summary: 'One device', params: DeviceParams, response: { 200: Device } },
    },
    async ({ params: { id } }) => {
      const device = await getDevice(pool, id)
      if (!device) throw new ProblemError('device_not_found')
      return device
    },
  )

  app.get(
    '/fleet',
    {
      config: { role: 'viewer' },
      schema: { tags: ['devices'], summary: 'Devices by presence', response: { 200: FleetSummary } },
    },
    () => countPresence(pool),
  )
}

function writeRoutes(app: Api, deps: Deps): void {
  const { pool, link } = deps

  app.post(
    '/devices',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['devices'],
        summary: 'Register a device; the answer shows its secret this once only',
        body: NewDevice,
        response: { 201: DeviceCreated },
      },
    },
    async (request, reply) => {
      const { id = inventId(request.body.name), name, type = null, tags = [] } = request.body
      const device = await createDevice(pool, { id, name, type, tags })
      if (!device) throw new ProblemError('device_exists')
      await audit(deps, request, { action: 'device.create', target: id, detail: { name }, result: 'ok' })
      const location = `/api/v1/devices/${encodeURIComponent(id)}`
      return reply.code(201).header('cache-control', 'no-store').header('location', location).send(device)
    },
  )

  app.patch(
    '/devices/:id',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['devices'],
        summary: 'Change a device; disabling closes its connection',
        params: DeviceParams,
        body: DeviceChange,
        response: { 200: Device },
      },
    },
    async (request) => {
      const { id } = request.params
      const device = await updateDevice(pool, id, request.body)
      if (!device) throw new ProblemError('device_not_found')
      if (request.body.disabled === true) link.revoked(id)
      await audit(deps, request, { action: 'device.change', target: id, detail: request.body, result: 'ok' })
      return device
    },
  )

  app.delete(
    '/devices/:id',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['devices'],
        summary: 'Delete a device; what it sent is removed in the background (GET /deletions)',
        params: DeviceParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (!(await deleteDevice(pool, id, principalOf(request).name)))
        throw new ProblemError('device_not_found')
      link.revoked(id)
      await audit(deps, request, { action: 'device.delete', target: id, result: 'ok' })
      return reply.code(204).send(null)
    },
  )
}

/** A readable id from the name, unlikely to be taken: `Cold room 3` → `cold-room-3-9f2c41`. */
function inventId(name: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? ['device']
  return `${words.join('-').slice(0, 48)}-${randomBytes(3).toString('hex')}`
}
