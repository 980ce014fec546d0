type Rule = { says: RegExp; advice: string }

const timeAdvice = 'Set the device’s clock (NTP), or leave ts out: then the time of arrival counts.'

/** By what the reason says; the first that fits. */
const rules: readonly Rule[] = [
  { says: /in the future$/, advice: timeAdvice },
  {
    says: /older than readings may be$/,
    advice: `${timeAdvice} TELLTALE_BACKFILL_DAYS says how old a reading may be.`,
  },
  { says: /ts is neither|\bts\b/, advice: 'Send ts as epoch milliseconds, epoch seconds or RFC 3339.' },
  {
    says: /not JSON/,
    advice: 'Send JSON as {"temperature":21.5}, or a single plain value under telemetry/{metric}.',
  },
  { says: /not UTF-8/, advice: 'Send text as UTF-8; bytes that are no text have no place in a reading.' },
  { says: /empty payload|an empty array|no values/, advice: 'Send at least one value.' },
  {
    says: /not a finite number/,
    advice: 'A sensor that has failed often says NaN: leave the metric out until it has a value.',
  },
  {
    says: /text longer|nested deeper|more than .* metrics|metric name|too many metrics|metrics of one/,
    advice: 'Send less of it: the limits are in the documentation under Limits.',
  },
  { says: /is not a value|neither an object/, advice: 'A value is a number, true, false or a text.' },
  { says: /status is neither/, advice: 'Publish online or offline there.' },
  { says: /not a reply/, advice: 'Answer a command with {"status":"succeeded"} or another of the statuses.' },
]

/** What to do about it, in a sentence; empty where the reason says all. */
export function adviceOn(reason: string): string {
  return rules.find(({ says }) => says.test(reason))?.advice ?? ''
}

/** `element 3: not JSON` reads "Element 3: not JSON"; what the device sent, and `ts`, keep their letters. */
export function reasonTitle(reason: string): string {
  if (!/^[a-z]+[ :]/.test(reason) || /^ts /.test(reason)) return reason
  return reason.charAt(0).toUpperCase() + reason.slice(1)
}
