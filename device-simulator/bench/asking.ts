/** Questions to a child process over its IPC channel, one at a time, each a word. */
import type { ChildProcess } from 'node:child_process'

type Reply = { answer: unknown } | { failure: string }

/** @throws Error when the child could not do it, or ended first */
export function ask<T>(child: ChildProcess, question: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const heard = (message: unknown) => {
      if (!isReply(message)) return
      stop()
      if ('answer' in message) resolve(message.answer as T)
      else reject(new Error(`${question}: ${message.failure}`))
    }
    const ended = () => {
      stop()
      reject(new Error(`${question}: the process ended with ${child.exitCode ?? child.signalCode}`))
    }
    const stop = () => {
      child.off('message', heard)
      child.off('exit', ended)
    }
    child.on('message', heard)
    child.on('exit', ended)
    child.send(question, (error) => {
      if (!error) return
      stop()
      reject(error)
    })
  })
}

function isReply(message: unknown): message is Reply {
  return typeof message === 'object' && message !== null && ('answer' in message || 'failure' in message)
}

/** The child's side. */
export function answerWith(answers: Record<string, () => unknown>): void {
  const say = (reply: Reply) => process.send?.(reply)
  process.on('message', async (question: string) => {
    try {
      say({ answer: (await answers[question]?.()) ?? null })
    } catch (error) {
      say({ failure: error instanceof Error ? error.message : String(error) })
    }
  })
}
