/**
 * A device's side of commands: accepted, perhaps progress, then succeeded, failed or rejected. Every id executes once:
 * QoS 1 may deliver it again, and so does a broker that did not hear our PUBACK.
 */
import type { CommandPayload, ReplyPayload } from '@telltale/broker/contract'
import * as limits from './limits.ts'

type Outcome = { status: 'succeeded'; result: unknown } | { status: 'failed' | 'rejected'; error: string }

/** What a handler decides before anything happens: no (an outcome), or yes and how long it will take. */
type Decision = Outcome | Execution
export interface Execution {
  takesMs: number
  /** Progress replies on the way. */
  progressSteps?: number
  finish(timeMs: number): Outcome | Promise<Outcome>
}

export type CommandHandler = (params: unknown) => Decision
export type CommandHandlers = Readonly<Record<string, CommandHandler>>

/** How long a relay or a set-point takes to answer. */
const QUICK_MS = 120

export interface CommandRunnerDeps {
  handlers: CommandHandlers
  now(): number
  /** Resolves false when the device stopped meanwhile. */
  wait(delayMs: number): Promise<boolean>
  reply(commandId: string, reply: ReplyPayload): void
  /** A reason to fail that has nothing to do with the command (chaos). */
  sabotage(): string | undefined
}

export interface CommandRunner {
  /** Takes what came on a command topic; resolves when it is answered. */
  take(commandId: string, payload: string): Promise<void>
}

export function createCommandRunner(deps: CommandRunnerDeps): CommandRunner {
  /** Command id → the last reply, null while there is none. Insertion order makes the oldest the first to go. */
  const known = new Map<string, ReplyPayload | null>()
  let running = 0

  const reply = (commandId: string, answer: ReplyPayload) => {
    known.set(commandId, answer)
    deps.reply(commandId, answer)
  }

  async function execute(commandId: string, execution: Execution): Promise<void> {
    reply(commandId, { status: 'accepted' })
    const steps = execution.progressSteps ?? 0
    for (let step = 1; step <= steps + 1; step++) {
      if (!(await deps.wait(execution.takesMs / (steps + 1)))) return
      if (step <= steps) reply(commandId, progress(step, steps))
    }
    const sabotage = deps.sabotage()
    const outcome = sabotage ? failed(sabotage) : await execution.finish(deps.now())
    reply(commandId, outcome)
  }

  return {
    async take(commandId, payload) {
      const earlier = known.get(commandId)
      if (earlier !== undefined) {
        if (earlier) deps.reply(commandId, earlier)
        return
      }
      remember(known, commandId)
      const decision = running >= limits.commandsAtOnceMax ? rejected('busy') : decide(deps.handlers, payload)
      if ('status' in decision) return reply(commandId, decision)
      running++
      await execute(commandId, decision).finally(() => running--)
    },
  }
}

function remember(known: Map<string, ReplyPayload | null>, commandId: string): void {
  const [oldest] = known.keys()
  if (known.size >= limits.commandIdsMax && oldest !== undefined) known.delete(oldest)
  known.set(commandId, null)
}

function decide(handlers: CommandHandlers, payload: string): Decision {
  const command = readCommand(payload)
  if (!command) return rejected('unreadable command')
  // A name is data from outside: `constructor` must not find what every object has.
  const handler = Object.hasOwn(handlers, command.name) ? handlers[command.name] : undefined
  return handler ? handler(command.params) : rejected('unknown command')
}

function readCommand(payload: string): Pick<CommandPayload, 'name' | 'params'> | undefined {
  try {
    const parsed: unknown = JSON.parse(payload)
    if (typeof parsed !== 'object' || parsed === null || !('name' in parsed)) return undefined
    if (typeof parsed.name !== 'string') return undefined
    return { name: parsed.name, params: 'params' in parsed ? parsed.params : {} }
  } catch {
    return undefined
  }
}

function progress(step: number, steps: number): ReplyPayload {
  return { status: 'progress', result: { percent: Math.round((100 * step) / (steps + 1)) } }
}

function rejected(error: string): Outcome {
  return { status: 'rejected', error }
}

function failed(error: string): Outcome {
  return { status: 'failed', error }
}

/** Reads one parameter, or says in words what is wrong with it. */
export type Param<T> = (params: unknown) => { value: T } | { error: string }

function member(params: unknown, name: string): unknown {
  if (typeof params !== 'object' || params === null || !Object.hasOwn(params, name)) return undefined
  return (params as Record<string, unknown>)[name]
}

export function numberParam(name: string, min: number, max: number): Param<number> {
  return (params) => {
    const value = member(params, name)
    if (typeof value === 'number' && value >= min && value <= max) return { value }
    return { error: `${name} must be a number from ${min} to ${max}` }
  }
}

export const onParam: Param<boolean> = (params) => {
  const value = member(params, 'on')
  return typeof value === 'boolean' ? { value } : { error: 'on must be true or false' }
}

/** A command that sets one thing and is done at once. `apply` returns the reply's result. */
export function setter<T>(param: Param<T>, apply: (value: T, timeMs: number) => unknown): CommandHandler {
  return (params) => {
    const read = param(params)
    if ('error' in read) return rejected(read.error)
    return {
      takesMs: QUICK_MS,
      finish: (timeMs) => ({ status: 'succeeded', result: apply(read.value, timeMs) }),
    }
  }
}
