import { randomUUID } from 'node:crypto'
import { getCommand, listCommandEvents, listCommands } from '@telltale/infra/storage/commands'
import { existingDevices } from '@telltale/infra/storage/devices'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { Command, CommandDetail, NewCommand, Page, PageQuery } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { DeviceParams } from '../devices/routes.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { parseRange } from '../telemetry/time.ts'
import { sendCommand, withdrawCommand } from './service.ts'

const Uuid = Type.String({ format: 'uuid' })
const CommandParams = Type.Object({ commandId: Uuid })
/** Without either, all of them; with both, those that were asked for in between. */
const CommandsQuery = Type.Object({
  ...PageQuery.properties,
  from: Type.Optional(Type.String({ description: 'created at or after: RFC 3339, epoch ms or now-15m' })),
  to: Type.Optional(Type.String({ description: 'created before' })),
})
const FOREVER = Number.POSITIVE_INFINITY
const PageKey = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
})

export function commandRoutes(app: Api, deps: Deps): void {
  readRoutes(app, deps)
  writeRoutes(app, deps)
}

function readRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/devices/:id/commands',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['commands'],
        summary: 'Commands of a device, newest first',
        params: DeviceParams,
        querystring: CommandsQuery,
        response: { 200: Page(Command) },
      },
    },
    async ({ params: { id }, query: { limit = 50, cursor, from, to } }) => {
      const beforeSeq = decodeCursor<number>(cursor, PageKey)
      const isRange = from !== undefined || to !== undefined
      const created = isRange ? parseRange({ from: from ?? '0', to: to ?? 'now+1m' }, FOREVER) : undefined
      if ((await existingDevices(pool, [id])).size === 0) throw new ProblemError('device_not_found')
      const rows = await listCommands(pool, id, {
        limit: limit + 1,
        ...(beforeSeq && { beforeSeq }),
        ...(created && { created }),
      })
      return toPage(rows, limit, { item: ({ seq: _, ...command }) => command, key: ({ seq }) => seq })
    },
  )

  app.get(
    '/commands/:commandId',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['commands'],
        summary: 'One command, with every step it took',
        params: CommandParams,
        response: { 200: CommandDetail },
      },
    },
    async ({ params }) => {
      const command = await getCommand(pool, params.commandId)
      if (!command) throw new ProblemError('command_not_found')
      return { ...command, events: await listCommandEvents(pool, command.id) }
    },
  )
}

function writeRoutes(app: Api, deps: Deps): void {
  app.post(
    '/devices/:id/commands',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['commands'],
        summary:
          'Send a command; the same Idempotency-Key again answers the same command and sends nothing twice',
        params: DeviceParams,
        headers: IdempotencyHeaders,
        body: NewCommand,
        response: { 202: Command },
      },
    },
    async (request, reply) => {
      const { id: deviceId } = request.params
      const createdBy = principalOf(request).name
      const idempotencyKey = request.headers['idempotency-key']
      const asked = { ...request.body, id: randomUUID(), deviceId, createdBy, idempotencyKey }
      const { command, isNew } = await sendCommand(deps, asked)
      const detail = { commandId: command.id, name: command.name }
      if (isNew)
        await audit(deps, request, { action: 'command.send', target: deviceId, detail, result: 'ok' })
      return reply.code(202).header('location', `/api/v1/commands/${command.id}`).send(command)
    },
  )

  app.delete(
    '/commands/:commandId',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['commands'],
        summary: 'Cancel a command that was not sent yet',
        params: CommandParams,
        response: { 200: Command },
      },
    },
    async (request) => {
      const { commandId } = request.params
      const cancelled = await withdrawCommand(deps, commandId)
      const detail = { commandId }
      await audit(deps, request, {
        action: 'command.cancel',
        target: cancelled.deviceId,
        detail,
        result: 'ok',
      })
      return cancelled
    },
  )
}
