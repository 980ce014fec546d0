/** The results of P5 as a section of the page. */
import { coresUsed, listViolations, milliseconds, ratio, table, thousands } from './markdown.ts'
import {
  ADDRESSES,
  CONNECTS_AT_ONCE,
  type DevicesResult,
  STEADY_DEVICES,
  STEADY_MESSAGES_PER_SECOND,
} from './p5-devices.ts'
import type { Section, Verdict } from './results.ts'
import type { SteadyPhase } from './steady.ts'
import type { StormResult } from './storm.ts'

const CONNECT_TARGET_S = 20
const MEMORY_TARGET_KB = 20
const BESIDE_TARGET = 2

export function reportDevices(result: DevicesResult): Pick<Section, 'verdicts' | 'text'> {
  const { devices, openFilesMax, quiet, storm, herd, perDevice, violations } = result
  const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} KB`
  return {
    verdicts: verdictsOf(result),
    text: [
      `${thousands(devices)} devices, each with a secret of its own, from ${ADDRESSES} addresses of this machine.
${STEADY_DEVICES} others send ${thousands(STEADY_MESSAGES_PER_SECOND)} messages a second with QoS 1 all the time.
Storm: ${CONNECTS_AT_ONCE} connects at a time until all are in; with one refused the run would not count.
Herd: all are cut at the same moment and come back together, at once; who is refused tries again after 0.5 to 1.5 s.
A process may have ${thousands(openFilesMax)} files open here.`,
      table(
        ['phase', 'connected', 'after', 'connect p50', 'connect p99', 'refused', ...OTHERS_HEADER],
        [
          ['quiet', '–', '–', '–', '–', '–', ...others(quiet.beside, quiet.beside)],
          ['storm', ...cells(storm), ...others(storm.beside, quiet.beside)],
          ['herd', ...cells(herd), ...others(herd.beside, quiet.beside)],
        ],
      ),
      table(
        ['phase', 'cores used'],
        Object.entries({ quiet, storm, herd }).map(([name, { cores }]) => [name, coresUsed(cores)]),
      ),
      ...(herd.refusal === undefined ? [] : [`Of the refusals of the herd: \`${herd.refusal}\`.`]),
      `Memory of the broker for each connected device: **${kilobytes(perDevice.rssBytes)}** resident; of that
${kilobytes(perDevice.heapBytes)} JavaScript heap and ${kilobytes(perDevice.externalBytes)} buffers.
It is the difference before and after the storm, each after three full garbage collections a second apart, with the
others sending.`,
      violations.length > 0
        ? listViolations(violations)
        : `Every device was connected, presence showed every one of them, and all that the others had acknowledged was
stored, in order.`,
    ].join('\n\n'),
  }
}

const OTHERS_HEADER = ["others' PUBACKs", 'p50', 'p99', 'longest', 'p99 to quiet']

function verdictsOf({ devices, quiet, storm, herd, perDevice }: DevicesResult): Verdict[] {
  const atMost = (what: string, measured: number, [target, unit]: readonly [number, string]): Verdict => ({
    what,
    target: `≤ ${target}${unit}`,
    measured: `${measured.toFixed(unit === '' ? 2 : 1)}${unit}`,
    isMet: measured <= target,
  })
  const beside = (phase: SteadyPhase) => phase.latencyP99Ms / quiet.beside.latencyP99Ms
  return [
    atMost(`${thousands(devices)} authenticated connects`, storm.seconds, [CONNECT_TARGET_S, ' s']),
    atMost('memory of a connected device', perDevice.rssBytes / 1_000, [MEMORY_TARGET_KB, ' KB']),
    atMost("others' PUBACK p99, storm ÷ quiet", beside(storm.beside), [BESIDE_TARGET, '']),
    atMost(`${thousands(devices)} cut at once: all back`, herd.seconds, [CONNECT_TARGET_S, ' s']),
  ]
}

function cells({ connected, seconds, latencyP50Ms, latencyP99Ms, refused }: StormResult): string[] {
  return [
    thousands(connected),
    `${seconds.toFixed(1)} s`,
    `${milliseconds(latencyP50Ms)} ms`,
    `${milliseconds(latencyP99Ms)} ms`,
    thousands(refused),
  ]
}

function others(phase: SteadyPhase, quiet: SteadyPhase): string[] {
  return [
    thousands(phase.messages),
    `${milliseconds(phase.latencyP50Ms)} ms`,
    `${milliseconds(phase.latencyP99Ms)} ms`,
    `${milliseconds(phase.latencyMaxMs)} ms`,
    ratio(phase.latencyP99Ms / quiet.latencyP99Ms),
  ]
}
