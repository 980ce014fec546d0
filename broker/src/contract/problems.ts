import { filters, topics } from './topics.ts'

const OWN_TOPICS = filters.device('{id}')

/**
 * Why a connection was refused or ended, or what was not done for it: a closed list, each with what happened and what
 * to do about it, for the person who looks after the device. Codes are part of the outside contract.
 */
export const problemCauses = {
  wrong_secret:
    'The password is not a secret of this name. Check what is programmed into it, or make a new secret for it.',
  unknown_device:
    'Nobody of this name is registered. Register the device, or correct the user name: it must be the device id.',
  disabled: 'The device is disabled here. Enable it to let it connect.',
  enrolment_waiting:
    'The device is new, has the enrolment key, and waits to be let in. Approve or reject it on the Fleet page.',
  enrolment_full:
    'It asked to be enrolled, but as many devices wait as may. Approve or reject those on the Fleet page first.',
  enrolment_rejected:
    'The device asked to be enrolled and was rejected. It may ask again a day later; register it to let it in sooner.',
  forbidden_topic: `It published to a topic it may not use, so the connection was closed. A device uses ${OWN_TOPICS}.`,
  forbidden_filter: `It subscribed to topics it may not read; that filter was refused. A device uses ${OWN_TOPICS}.`,
  forbidden_will: `Its Last Will is on a topic it may not use. Set it to ${topics.status('{id}')}, with its own id.`,
  mqtt5: 'It speaks MQTT 5, which is not supported. Set its client to MQTT 3.1.1 (protocol version 4).',
  unsupported_version: 'It asked for a protocol version that does not exist. Set its client to MQTT 3.1.1.',
  malformed:
    'It sent bytes that are not a valid MQTT packet. Look for a fault in its MQTT library or for a damaged connection.',
  oversized:
    'It sent a packet above the allowed size, so the connection was closed. Send less in each message.',
  connect_timeout:
    'It opened a connection and sent no CONNECT in time. Look for a slow network, or for something that only probes.',
  not_mqtt:
    'What it sent is not MQTT, but for instance HTTP or TLS. Check the port, and whether it must use TLS here.',
  bad_client_id:
    'Its client id is too long, has a NUL, or is empty without a clean session. Give it a short client id of its own.',
  certificate_mismatch:
    'Its certificate is for another device than its user name says. Use the certificate whose name is the device id.',
  certificate_revoked:
    'Its certificate was revoked here, or is one too many. Give it another one, or revoke those no longer used.',
  tls_failed:
    'No encrypted connection came about. Check that it uses TLS on this port, trusts the server, and has a certificate.',
  keepalive:
    'Nothing came from it for one and a half keep-alives. Look at its power and network, or lengthen its keep-alive.',
  limit_connections:
    'There were as many connections as allowed. Look for clients that leave connections open, or raise the limit.',
  limit_connect_rate:
    'Too many new connections at once came from its address. Let clients wait longer before they connect again.',
  limit_failed_sign_ins:
    'Too many wrong secrets came from its address or for its id. Correct the secret, then wait a few minutes.',
  limit_flapping:
    'It connects again and again. Look for two clients with the same user name, or for one that restarts all the time.',
  limit_messages:
    'It sends more messages than allowed and is slowed down. Send several readings in one message.',
  limit_bytes: 'It sends more bytes than allowed and is slowed down. Send less, or less often.',
  limit_rate: 'It went far above its allowed rate for long, so the connection was closed. Send less often.',
  limit_subscriptions:
    'It asked for more subscriptions than allowed; further ones were refused. Use fewer filters, with wildcards.',
  limit_retained:
    'It has as many retained messages as allowed; the further one was not retained. Clear those no longer needed.',
  queue_overflow:
    'More messages waited for it than are kept, so some were dropped. Let it connect more often, or subscribe to less.',
  slow_reader:
    'It did not take what it subscribed to, so the connection was closed. Look at its network, or subscribe to less.',
  overloaded:
    'The broker was too busy to let it in. It connects when it tries again; if this stays, the server is too small.',
  database_away:
    'The database could not be asked who this is. It connects when the database is back; look at the System page.',
} as const satisfies Record<string, string>

export type ProblemCode = keyof typeof problemCauses

/** Of a code that a newer broker wrote, too. */
export function causeOf(code: string): string {
  return Object.hasOwn(problemCauses, code)
    ? problemCauses[code as ProblemCode]
    : 'The broker refused it for a reason that this version of the API does not know. Update the API.'
}
