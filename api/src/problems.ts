/**
 * Every error this API answers with: code → status, title, and a sentence that says what to do next. Codes are part
 * of the contract and never change their meaning.
 */
export const problems = {
  invalid_request: [400, 'The request is not valid', 'Correct what `errors` lists and send it again.'],
  invalid_json: [400, 'The body is not valid JSON', 'Send a JSON body with content-type application/json.'],
  invalid_cursor: [
    400,
    'The cursor is not valid',
    'Use nextCursor of the previous page unchanged, or leave it out.',
  ],
  not_signed_in: [401, 'Not signed in', 'Sign in with POST /api/v1/session, or send a bearer token.'],
  wrong_credentials: [401, 'Wrong user name or password', 'Check both and try again.'],
  link_used: [
    401,
    'This sign-in link no longer works',
    'Links work once and for a short time; sign in with a password.',
  ],
  forbidden: [403, 'Not allowed', 'Ask an admin for a role that may do this.'],
  needs_session: [
    403,
    'Only for people who are signed in',
    'Sign in to the dashboard: a token has neither a password nor sessions.',
  ],
  bad_origin: [
    403,
    'Request from another site',
    'Open the dashboard at its own address and try again there.',
  ],
  csrf_header_missing: [
    403,
    'Header missing',
    'Send x-telltale-csrf: 1 with every change made with the session cookie.',
  ],
  not_found: [404, 'Not found', 'Check the address; /docs lists every route.'],
  device_not_found: [404, 'No such device', 'Check the id; GET /api/v1/devices lists every device.'],
  credential_not_found: [
    404,
    'No such active credential',
    'List the credentials of the device for their ids.',
  ],
  token_not_found: [404, 'No such token', 'List the tokens for their ids.'],
  user_not_found: [404, 'No such user', 'List the users for their ids.'],
  session_not_found: [404, 'No such session of yours', 'List your sessions for their ids.'],
  integration_not_found: [404, 'No such integration', 'List the integrations for their names.'],
  type_not_found: [404, 'No such device type', 'List the types for their names.'],
  enrolment_not_found: [404, 'No such enrolment', 'List the enrolments for the devices that wait.'],
  stream_not_found: [
    404,
    'No such stream here',
    'It has ended, is not yours, or is open elsewhere: open a new one with the devices you want.',
  ],
  board_not_found: [404, 'No such board', 'It was deleted, or is private to somebody else.'],
  command_not_found: [404, 'No such command', 'List the commands of the device for their ids.'],
  command_batch_not_found: [404, 'No such command batch', 'List the command batches for their ids.'],
  unknown_metric: [
    404,
    'No such metric',
    'Correct what `errors` lists; the latest values of a device name all of its metrics.',
  ],
  method_not_allowed: [405, 'Method not allowed', 'Use one of the methods in the allow header.'],
  device_exists: [409, 'The device id is taken', 'Choose another id, or leave it out to get a free one.'],
  integration_exists: [409, 'The name is taken', 'Choose another name, or delete that integration first.'],
  user_exists: [409, 'The user name is taken', 'Choose another name; names are the same in whatever case.'],
  user_disabled: [409, 'The user is disabled', 'Enable the user first: no link signs in a disabled one.'],
  last_admin: [
    409,
    'This is the last admin who can sign in',
    'Make somebody else an admin, with a password, and try again.',
  ],
  own_account: [409, 'This is your own account', 'Change your password on the page of your account.'],
  password_changed: [409, 'The password has changed meanwhile', 'Sign in with the new one and try again.'],
  device_disabled: [409, 'The device is disabled', 'Enable the device first.'],
  too_many_credentials: [409, 'Two credentials are active already', 'Revoke one of them first.'],
  board_changed: [
    409,
    'The board was saved by somebody else meanwhile',
    'Nothing was overwritten. Read it again and make your changes to that one, or keep yours as a new board.',
  ],
  too_many_boards: [409, 'You have as many boards as one may have', 'Delete one that you no longer need.'],
  command_not_queued: [409, 'The command was sent already', 'Only queued commands can be cancelled.'],
  command_batch_over: [409, 'Every command of it was sent already', 'There is nothing left to stop.'],
  selection_changed: [
    409,
    'The filter has come to match more devices',
    'Look at `errors` and at the devices, and send it again if you mean them all.',
  ],
  body_too_large: [413, 'The body is too large', 'Send at most 256 KiB.'],
  unsupported_media_type: [415, 'Unsupported content type', 'Send application/json.'],
  range_not_satisfiable: [
    416,
    'The file has no such part',
    'Ask for bytes within the length that content-range tells.',
  ],
  invalid_range: [422, 'The time range or bucket is not valid', 'Correct what `errors` lists.'],
  idempotency_conflict: [
    422,
    'The idempotency key was used for another command',
    'Use a new key for a new command, and the same key only to repeat the same one.',
  ],
  invalid_params: [
    422,
    'The params do not fit the command',
    'Correct what `errors` lists; the type of the device has the schema of its commands.',
  ],
  invalid_type: [
    422,
    'The device type is not valid',
    'Correct what `errors` lists; docs/SPEC.md has what schemas may use.',
  ],
  invalid_board: [422, 'The board is not valid', 'Correct what `errors` lists and save it again.'],
  no_devices: [422, 'No device matches', 'Change the filter; with dryRun the answer is a count.'],
  too_many_devices: [422, 'Too many devices at once', 'Narrow the filter, and send it in parts.'],
  weak_password: [422, 'The password will not do', 'Correct what `errors` lists and send it again.'],
  wrong_password: [422, 'The current password is not right', 'Check it and try again.'],
  unstorable_text: [422, 'Text that cannot be stored', 'Remove NUL characters and ill-formed Unicode.'],
  too_deep: [422, 'JSON nested too deeply', 'Send at most 32 levels.'],
  too_many_requests: [429, 'Too many requests', 'Wait for the seconds in retry-after and try again.'],
  too_many_attempts: [429, 'Too many failed sign-ins', 'Wait for the seconds in retry-after and try again.'],
  too_many_streams: [429, 'Too many open streams', 'Close one of your live streams or tabs first.'],
  too_many_exports: [429, 'Too many exports at once', 'Wait until another export has ended and try again.'],
  queue_full: [429, 'The command queue of the device is full', 'Wait, or cancel queued commands.'],
  internal: [
    500,
    'Something went wrong on our side',
    'Try again; if it stays, give requestId to your operator.',
  ],
  command_batch_busy: [503, 'Commands of it are being made just now', 'Try again; nothing was stopped.'],
  query_timeout: [
    503,
    'The answer took too long',
    'Ask for less, such as a shorter range or fewer metrics, or try again later.',
  ],
  history_busy: [
    503,
    'Too many charts at once',
    'Wait for the seconds in retry-after and try again; shorter ranges are answered faster.',
  ],
  database_unavailable: [
    503,
    'The database does not answer',
    'Try again shortly. What devices send meanwhile is kept by the brokers, and shown live.',
  ],
} as const satisfies Record<string, readonly [status: number, title: string, whatNext: string]>

export type ProblemCode = keyof typeof problems

export interface FieldError {
  /** Where, such as `body/tags/0` or `query/from`. */
  path: string
  message: string
}

/** Thrown by handlers; the error handler turns it into `application/problem+json`. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly fields: readonly FieldError[] | undefined
  readonly retryAfterS: number | undefined

  constructor(code: ProblemCode, more: { fields?: FieldError[]; retryAfterS?: number } = {}) {
    super(problems[code][1])
    this.code = code
    this.fields = more.fields
    this.retryAfterS = more.retryAfterS
  }
}
