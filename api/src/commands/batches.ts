import { randomUUID } from 'node:crypto'
import { limits } from '@telltale/infra/limits'
import {
  countSelectedDevices,
  createCommandBatch,
  getCommandBatch,
  listBatchResults,
  listCommandBatches,
  stopCommandBatch,
} from '@telltale/infra/storage/command-batches'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import {
  CommandBatch,
  CommandBatchCount,
  CommandBatchResult,
  CommandBatchStatus,
  CommandBatchSummary,
  NewCommandBatch,
  Page,
  PageQuery,
} from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { checkDepth } from '../types/check-params.ts'
import { IdempotencyHeaders } from './routes.ts'
import { TTL_DEFAULT_MS } from './service.ts'

const BatchParams = Type.Object({ batchId: Type.String({ format: 'uuid' }) })
/** A filter may name a thousand devices, so pages are short. */
const BatchesQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, default: 20 })),
  cursor: PageQuery.properties.cursor,
})
const ResultsQuery = Type.Object({ ...PageQuery.properties, status: Type.Optional(CommandBatchStatus) })
const SeqKey = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const PositionKey = Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })

export function commandBatchRoutes(app: Api, deps: Deps): void {
  readRoutes(app, deps)
  resultRoutes(app, deps)
  createRoute(app, deps)
  stopRoute(app, deps)
}

function readRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/command-batches',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['commands'],
        summary: 'Commands that were sent to many devices, newest first',
        querystring: BatchesQuery,
        response: { 200: Page(CommandBatchSummary) },
      },
    },
    async ({ query: { limit = 20, cursor } }) => {
      const before = decodeCursor<number>(cursor, SeqKey)
      const rows = await listCommandBatches(pool, { limit: limit + 1, before })
      return toPage(rows, limit, {
        item: ({ seq: _, ...batch }) => batch as CommandBatchSummary,
        key: ({ seq }) => seq,
      })
    },
  )

  app.get(
    '/command-batches/:batchId',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['commands'],
        summary: 'One command to many devices, and how many devices are in each state',
        params: BatchParams,
        response: { 200: CommandBatch },
      },
    },
    ({ params }) => readBatch({ pool }, params.batchId),
  )
}

function resultRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/command-batches/:batchId/results',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['commands'],
        summary: 'What became of it, device by device, in the order of sending',
        params: BatchParams,
        querystring: ResultsQuery,
        response: { 200: Page(CommandBatchResult) },
      },
    },
    async ({ params: { batchId }, query: { limit = 50, cursor, status } }) => {
      const after = decodeCursor<number>(cursor, PositionKey)
      const rows = await listBatchResults(pool, batchId, { limit: limit + 1, after, status })
      // A batch has a device at least: no row at all may mean that there is no batch.
      if (rows.length === 0) await readBatch({ pool }, batchId)
      return toPage(rows, limit, {
        item: ({ position: _, ...result }) => result,
        key: ({ position }) => position,
      })
    },
  )
}

function createRoute(app: Api, deps: Deps): void {
  app.post(
    '/commands',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['commands'],
        summary: 'Send a command to every device a filter matches; `dryRun` counts them first',
        headers: IdempotencyHeaders,
        body: NewCommandBatch,
        response: { 200: CommandBatchCount, 202: CommandBatch },
      },
    },
    async (request, reply) => {
      checkDepth(request.body.params)
      if (request.body.dryRun) {
        const count = await countSelectedDevices(deps.pool, request.body.filter)
        return reply.code(200).send(count)
      }
      const key = request.headers['idempotency-key']
      const { id, isNew } = await createBatch(deps, request.body, {
        createdBy: principalOf(request).name,
        idempotencyKey: key,
      })
      const batch = await readBatch(deps, id)
      if (isNew) await auditBatch(deps, request, { action: 'command.send_many', batch })
      return reply.code(202).header('location', `/api/v1/command-batches/${id}`).send(batch)
    },
  )
}

function stopRoute(app: Api, deps: Deps): void {
  app.delete(
    '/command-batches/:batchId',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['commands'],
        summary: 'Stop: no further command is made, and queued ones are cancelled; those sent go on',
        params: BatchParams,
        response: { 200: CommandBatch },
      },
    },
    async (request) => {
      const { batchId } = request.params
      const outcome = await stopCommandBatch(deps.pool, batchId)
      if (outcome === 'over') throw new ProblemError('command_batch_over')
      if (outcome === 'busy') throw new ProblemError('command_batch_busy', { retryAfterS: 1 })
      const batch = await readBatch(deps, batchId)
      if (outcome === 'stopped') await auditBatch(deps, request, { action: 'command.stop_many', batch })
      return batch
    },
  )
}

/** @throws ProblemError when the filter matches none or too many, or the key was used for something else */
async function createBatch(
  { pool }: Pick<Deps, 'pool'>,
  { filter, name, params = {}, ttlMs = TTL_DEFAULT_MS, devicesMax }: NewCommandBatch,
  by: { createdBy: string; idempotencyKey: string | undefined },
): Promise<{ id: string; isNew: boolean }> {
  const made = await createCommandBatch(pool, {
    id: randomUUID(),
    filter,
    name,
    params,
    ttlMs,
    devicesMax,
    ...by,
  })
  switch (made.outcome) {
    case 'created':
      return { id: made.id, isNew: true }
    case 'repeated':
      return { id: made.id, isNew: false }
    case 'conflict':
      throw new ProblemError('idempotency_conflict')
    case 'no_devices':
      throw new ProblemError('no_devices')
    case 'too_many':
      throw refused('too_many_devices', {
        path: 'body/filter',
        message: `matches more than ${limits.commandBatches.devicesMax} devices`,
      })
    case 'changed':
      throw refused('selection_changed', {
        path: 'body/devicesMax',
        message: `the filter matches ${made.matches} devices now`,
      })
  }
}

function refused(
  code: 'too_many_devices' | 'selection_changed',
  field: { path: string; message: string },
): ProblemError {
  return new ProblemError(code, { fields: [field] })
}

async function readBatch({ pool }: Pick<Deps, 'pool'>, id: string): Promise<CommandBatch> {
  const batch = await getCommandBatch(pool, id)
  if (!batch) throw new ProblemError('command_batch_not_found')
  return batch as CommandBatch
}

/** One entry for all devices: the results hold them one by one. */
async function auditBatch(
  deps: Deps,
  request: FastifyRequest,
  { action, batch }: { action: string; batch: CommandBatch },
): Promise<void> {
  const { name, filter, devices } = batch
  await audit(deps, request, { action, target: batch.id, detail: { name, filter, devices }, result: 'ok' })
}
