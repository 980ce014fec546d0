import { describe, expect, it } from 'vitest'
import { brokerConfig } from './config.ts'

const needed = {
  TELLTALE_DATABASE_URL: 'postgres://127.0.0.1/telltale',
  TELLTALE_PLATFORM_SECRET: 'platform-secret',
}
const redis = { TELLTALE_REDIS_URL: 'redis://127.0.0.1:6379' }
const nameOf = (env: Record<string, string>) => brokerConfig({ ...needed, ...env }).TELLTALE_BROKER_ID

describe("the broker's settings", () => {
  it('O-SET-7 brokers that share a Redis have different names, unless they are given one', () => {
    expect(nameOf({})).toBe('broker-1')
    const [first, second] = ['1883', '1884'].map((port) => nameOf({ ...redis, TELLTALE_MQTT_PORT: port }))
    expect(first).toMatch(/^[A-Za-z0-9_.-]{1,59}-1883$/)
    expect(second).toMatch(/-1884$/)
    expect(nameOf({ ...redis, TELLTALE_BROKER_ID: 'east' })).toBe('east')
    expect(nameOf({ ...redis, TELLTALE_BROKER_ID: 'broker-1' })).toBe('broker-1')
  })

  it('O-SET-4 the broker started by itself says at once what is wrong together, too', () => {
    const wrong = { TELLTALE_MQTT_HOST: '0.0.0.0', TELLTALE_MQTTS_PORT: '8083', TELLTALE_ENROLMENT: 'open' }
    expect(() => brokerConfig({ ...needed, ...wrong })).toThrow(
      expect.objectContaining({
        problems: [
          expect.stringContaining('TELLTALE_MQTT_HOST: 0.0.0.0 would carry'),
          expect.stringContaining('needs TELLTALE_TLS_CERT'),
          expect.stringContaining('needs TELLTALE_TLS_KEY'),
          expect.stringContaining('needs TELLTALE_ENROLMENT_KEY'),
          'TELLTALE_MQTT_WS_PORT and TELLTALE_MQTTS_PORT are both 8083',
        ],
      }),
    )
  })
})
