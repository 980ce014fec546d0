import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, {
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { auditRoutes } from './audit/routes.ts'
import { boardRoutes } from './boards/routes.ts'
import { commandBatchRoutes } from './commands/batches.ts'
import { commandRoutes } from './commands/routes.ts'
import { installDashboard } from './dashboard.ts'
import type { Api, Deps } from './deps.ts'
import { deviceChangeRoutes } from './devices/changes.ts'
import { credentialRoutes } from './devices/credentials.ts'
import { deletionRoutes } from './devices/deletions.ts'
import { deviceRoutes } from './devices/routes.ts'
import { diagnosticsRoutes } from './diagnostics/routes.ts'
import { enrolmentRoutes } from './enrolments/routes.ts'
import { handleError } from './errors.ts'
import { fleetRoutes } from './fleet/routes.ts'
import { integrationRoutes } from './integrations/routes.ts'
import { pollRoutes } from './live/poll.ts'
import { socketRoutes } from './live/socket.ts'
import { sseRoutes } from './live/sse.ts'
import { presenceRoutes } from './presence/routes.ts'
import { ProblemError } from './problems.ts'
import { installRouteIndex } from './route-index.ts'
import { installGuard } from './session/guard.ts'
import { sessionRoutes } from './session/routes.ts'
import { isSecure } from './session/transport.ts'
import { settingsRoutes } from './settings/routes.ts'
import { installDocumentation } from './system/documentation.ts'
import { systemOverviewRoutes } from './system/overview.ts'
import { systemRoutes } from './system/routes.ts'
import { latestRoutes } from './telemetry/latest.ts'
import { rejectedRoutes } from './telemetry/rejected.ts'
import { readingsRoutes } from './telemetry/routes.ts'
import { tokenRoutes } from './tokens/routes.ts'
import { typeRoutes } from './types/routes.ts'
import { userRoutes } from './users/routes.ts'
import { compileValidator } from './validation.ts'

const BODY_BYTES_MAX = 256 * 1024
/** A client that sends its request slower than this is not one of ours (slowloris). */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
/** A runaway script must not take the database from everybody else; far above what a dashboard asks. */
const REQUESTS_PER_10_S_MAX = 10_000
/**
 * Of one address, whoever it says it is: guessing tokens costs the database a query each. People behind one proxy share
 * it, so it is above what one of them may ask.
 */
const ADDRESS_REQUESTS_PER_10_S_MAX = 20_000
/**
 * Streams are told to end, and requests under way are answered; whoever still holds a connection then is cut off. Less
 * than the supervisor gives the API, and more than a stream or socket has to take its last bytes.
 */
const CLOSE_GRACE_MS = 1_200

/** The whole HTTP side, ready to listen. Owns nothing it was given. */
export async function buildApp(
  deps: Deps,
  limits = { addressRequestsPer10sMax: ADDRESS_REQUESTS_PER_10_S_MAX },
): Promise<Api> {
  const logger: FastifyBaseLogger = deps.log
  const app = fastify({
    loggerInstance: logger,
    // One line per request is the proxy's job; errors are logged where they happen.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 5_000 },
    routerOptions: { maxParamLength: 128 },
    forceCloseConnections: 'idle',
    // A URL that cannot be decoded never reaches a route.
    frameworkErrors: (error, request, reply) => void handleError(error, request, reply as FastifyReply),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(compileValidator)
  // Handlers build exactly what their schema says (their types are checked), and metric names are data: a schema-made
  // serializer would test every value of every column against a union.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  app.setErrorHandler(handleError)
  acceptEmptyJson(app)
  app.addHook('preClose', async () => {
    deps.hub.stop()
    deps.sessions.stop()
    setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS).unref()
  })
  installRouteIndex(app)
  await installSecurity(app, deps, limits.addressRequestsPer10sMax)
  await installDocumentation(app)
  await app.register(async (api) => installRoutes(api, deps), { prefix: '/api/v1' })
  systemRoutes(app, deps)
  return app
}

/** Many clients send `content-type: application/json` with every request: without a body there is nothing to parse. */
function acceptEmptyJson(app: Api): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parseJson(request, body, done)
  })
}

async function installSecurity(app: Api, deps: Deps, addressMax: number): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
      },
    },
    frameguard: { action: 'deny' },
    // Only under TLS, below.
    hsts: false,
  })
  app.addHook('onRequest', async (request, reply) => {
    if (isSecure(request)) reply.header('strict-transport-security', 'max-age=31536000')
  })
  await app.register(cookie)
  await installDashboard(app, deps)
  await app.register(rateLimit, {
    max: REQUESTS_PER_10_S_MAX,
    timeWindow: 10_000,
    keyGenerator: (request) => request.principal?.hash.toString('hex') ?? addressOf(request),
    errorResponseBuilder: (_request, { ttl }) => tooMany(ttl),
  })
  // Before the guard, so that requests it refuses count too; the limit per principal comes after it.
  const countAddress = app.createRateLimit({ max: addressMax, timeWindow: 10_000, keyGenerator: addressOf })
  app.addHook('onRequest', async (request) => {
    const count = await countAddress(request)
    if (!count.isAllowed && count.isExceeded) throw tooMany(count.ttl)
  })
  installGuard(app, deps)
}

/** An IPv6 customer has a whole /64. */
function addressOf(request: FastifyRequest): string {
  return normalizeIP(request.ip)
}

function tooMany(ttlMs: number): ProblemError {
  return new ProblemError('too_many_requests', { retryAfterS: Math.ceil(ttlMs / 1_000) })
}

async function installRoutes(api: Api, deps: Deps): Promise<void> {
  // What one may see is not for the next one of the same proxy; a route that knows better says so.
  api.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  sessionRoutes(api, deps)
  tokenRoutes(api, deps)
  userRoutes(api, deps)
  auditRoutes(api, deps)
  settingsRoutes(api, deps)
  deviceRoutes(api, deps)
  deviceChangeRoutes(api, deps)
  fleetRoutes(api, deps)
  deletionRoutes(api, deps)
  credentialRoutes(api, deps)
  typeRoutes(api, deps)
  enrolmentRoutes(api, deps)
  integrationRoutes(api, deps)
  diagnosticsRoutes(api, deps)
  systemOverviewRoutes(api, deps)
  latestRoutes(api, deps)
  readingsRoutes(api, deps)
  rejectedRoutes(api, deps)
  presenceRoutes(api, deps)
  commandRoutes(api, deps)
  commandBatchRoutes(api, deps)
  boardRoutes(api, deps)
  sseRoutes(api, deps)
  pollRoutes(api, deps)
  await socketRoutes(api, deps)
}
