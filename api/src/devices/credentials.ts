import {
  createCredential,
  getDevice,
  listCredentials,
  revokeCredential,
} from '@telltale/infra/storage/devices'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { DeviceId } from '../contract/common.ts'
import { Credential, CredentialCreated } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { ProblemError } from '../problems.ts'
import { DeviceParams } from './routes.ts'

const CredentialParams = Type.Object({ id: DeviceId, credentialId: Type.String({ format: 'uuid' }) })

export function credentialRoutes(app: Api, deps: Deps): void {
  const { pool, link } = deps

  app.get(
    '/devices/:id/credentials',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['devices'],
        summary: 'Credentials of a device, never their secrets',
        params: DeviceParams,
        response: { 200: Type.Object({ items: Type.Array(Credential) }) },
      },
    },
    async ({ params: { id } }) => {
      if (!(await getDevice(pool, id))) throw new ProblemError('device_not_found')
      return { items: await listCredentials(pool, id) }
    },
  )

  app.post(
    '/devices/:id/credentials',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['devices'],
        summary: 'A second secret, for rotation; shown this once only',
        params: DeviceParams,
        response: { 201: CredentialCreated },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const credential = await createCredential(pool, id)
      if (credential === 'no_device') throw new ProblemError('device_not_found')
      if (credential === 'too_many') throw new ProblemError('too_many_credentials')
      const detail = { credentialId: credential.id }
      await audit(deps, request, { action: 'credential.create', target: id, detail, result: 'ok' })
      return reply.code(201).header('cache-control', 'no-store').send(credential)
    },
  )

  app.delete(
    '/devices/:id/credentials/:credentialId',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['devices'],
        summary: 'Revoke a credential; closes the connection of the device',
        params: CredentialParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id, credentialId } = request.params
      if (!(await revokeCredential(pool, { deviceId: id, id: credentialId })))
        throw new ProblemError('credential_not_found')
      link.revoked(id)
      await audit(deps, request, {
        action: 'credential.revoke',
        target: id,
        detail: { credentialId },
        result: 'ok',
      })
      return reply.code(204).send(null)
    },
  )
}
