import { type Logger, pino } from 'pino'

export type { Logger }

/** One JSON line per event on stdout. Secrets never reach a log: these keys are cut wherever they appear. */
export function createLog(name: string, level: string): Logger {
  return pino({
    name,
    level,
    base: { name },
    redact: {
      paths: [
        'password',
        'secret',
        'token',
        '*.password',
        '*.secret',
        '*.token',
        'req.headers.authorization',
      ],
      censor: '[secret]',
    },
  })
}
