import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError } from './config.ts'
import { createCertificates } from './testing/certificates.ts'
import { toolMissing } from './testing/tools.ts'
import { upConfig } from './up-config.ts'

/** Everything the start refuses about these settings. */
function problems(env: Record<string, string>): readonly string[] {
  try {
    upConfig([], env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const key = 'a-key-of-sixteen-characters'

describe('the settings of npm start', () => {
  it('O-SET-1 enrolment needs its key, and a key needs enrolment', () => {
    expect(problems({ TELLTALE_ENROLMENT: 'approve', TELLTALE_ENROLMENT_KEY: key })).toEqual([])
    expect(problems({ TELLTALE_ENROLMENT: 'open' })).toEqual([
      'TELLTALE_ENROLMENT=open needs TELLTALE_ENROLMENT_KEY, a key of at least 16 characters',
    ])
    const lonely = problems({ TELLTALE_ENROLMENT_KEY: key })
    expect(lonely).toEqual([expect.stringContaining('does nothing while TELLTALE_ENROLMENT is closed')])
    expect(lonely.join()).not.toContain(key)
    expect(
      problems({ TELLTALE_ENROLMENT: 'open', TELLTALE_ENROLMENT_KEY: 'short-key' }).join(),
    ).not.toContain('short-key')
  })

  it('O-SET-2 the port, certificate and key of TLS come together, and each missing one is named', () => {
    expect(problems({ TELLTALE_MQTTS_PORT: '8883' })).toEqual([
      'TELLTALE_MQTTS_PORT needs TELLTALE_TLS_CERT too, the path of a PEM file',
      'TELLTALE_MQTTS_PORT needs TELLTALE_TLS_KEY too, the path of a PEM file',
    ])
    const files = { TELLTALE_TLS_CERT: '/a', TELLTALE_TLS_KEY: '/b', TELLTALE_TLS_CLIENT_CA: '/c' }
    const sentence = (name: string) =>
      `${name} does nothing without TELLTALE_MQTTS_PORT; set the port too, or neither`
    expect(problems(files)).toEqual(Object.keys(files).map(sentence))
  })

  it('O-SET-3 listeners cannot share a port', () => {
    expect(problems({ TELLTALE_HTTP_PORT: '8083' })).toEqual([
      'TELLTALE_HTTP_PORT and TELLTALE_MQTT_WS_PORT are both 8083',
    ])
    expect(problems({ TELLTALE_MQTTS_PORT: '1883' })).toContain(
      'TELLTALE_MQTT_PORT and TELLTALE_MQTTS_PORT are both 1883',
    )
  })

  it('O-SET-4 all that is wrong together is said at once', () => {
    const wrong = problems({
      TELLTALE_HTTP_HOST: '0.0.0.0',
      TELLTALE_MQTT_HOST: '::',
      TELLTALE_MQTTS_PORT: '8080',
      TELLTALE_ENROLMENT: 'open',
    })
    expect(wrong).toHaveLength(2 + 2 + 1 + 1)
  })

  it('O-SET-5 Redis is taken under its usual name, too, and every limit has a default', () => {
    const config = upConfig([], { REDIS_URL: 'redis://127.0.0.1:6379' })
    expect(config.TELLTALE_REDIS_URL).toBe('redis://127.0.0.1:6379')
    expect(config.TELLTALE_MESSAGE_BYTES).toBe(65_536)
    expect(problems({ TELLTALE_MESSAGE_BYTES: '70000', TELLTALE_DEVICE_RETAINED: '0' })).toHaveLength(2)
    const badUrl = problems({ REDIS_URL: 'http://user:secret-word@127.0.0.1' })
    expect(badUrl).toEqual([expect.stringContaining('TELLTALE_REDIS_URL: its value is not')])
  })

  describe.skipIf(toolMissing('openssl'))('with certificates', () => {
    const certificates = createCertificates()
    afterAll(() => certificates.remove())
    const tls = {
      TELLTALE_MQTTS_PORT: '8883',
      TELLTALE_TLS_CERT: certificates.serverCert.path,
      TELLTALE_TLS_KEY: certificates.serverKey.path,
      TELLTALE_TLS_CLIENT_CA: certificates.ca.path,
    }

    it('O-SET-6 TLS may listen on any address, and is on loopback unless asked otherwise', () => {
      expect(upConfig([], tls)).toMatchObject({ TELLTALE_MQTTS_PORT: 8883, TELLTALE_MQTTS_HOST: '127.0.0.1' })
      expect(problems({ ...tls, TELLTALE_MQTTS_HOST: '0.0.0.0' })).toEqual([])
    })

    it('O-SET-6 files that cannot be used are named before anything is started', () => {
      const missing = join(tls.TELLTALE_TLS_CERT, '..', 'missing.pem')
      expect(problems({ ...tls, TELLTALE_TLS_CERT: missing, TELLTALE_ENROLMENT: 'open' })).toEqual([
        `TELLTALE_TLS_CERT: cannot read ${missing} (ENOENT)`,
        expect.stringContaining('TELLTALE_ENROLMENT=open needs'),
      ])
    })
  })
})
