-- Up Migration

-- What a credential is: a secret of the device's own, the enrolment key it came with, or a client certificate, whose
-- hash is its SHA-256 fingerprint.
ALTER TABLE device_credential ADD COLUMN kind text NOT NULL DEFAULT 'secret'
  CHECK (kind IN ('secret', 'enrolment', 'certificate'));
-- A certificate has one row, whoever meets it first; so a revoked one stays revoked.
CREATE UNIQUE INDEX device_credential_certificate ON device_credential (device_id, hash) WHERE kind = 'certificate';

-- Brokers ask every two seconds what was taken back just now.
CREATE INDEX device_credential_revoked ON device_credential (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX device_disabled ON device (disabled_at) WHERE disabled_at IS NOT NULL;
CREATE INDEX device_deletion_requested ON device_deletion (requested_at);

-- MQTT clients that are not devices. Deleting the row revokes; the audit trail remembers.
CREATE TABLE integration (
  name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$'),
  hash bytea NOT NULL,
  read boolean NOT NULL,
  write boolean NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  connected_at timestamptz,
  CHECK (read OR write)
);

-- Unknown devices that came with the enrolment key and wait for a person, or were rejected. `hash` is that of the key
-- they came with: it becomes their credential.
CREATE TABLE enrolment (
  device_id text PRIMARY KEY CHECK (device_id ~ '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$'),
  hash bytea NOT NULL,
  address text,
  client_id text NOT NULL,
  attempts integer NOT NULL DEFAULT 1,
  requested_at timestamptz NOT NULL DEFAULT now(),
  last_requested_at timestamptz NOT NULL DEFAULT now(),
  rejected_at timestamptz
);

-- Why connections were refused or ended, and which limits were hit. `device_id` is what the client said it is, so there
-- may be no such device; it is empty when the client said nothing usable, `address` when it is not known.
CREATE TABLE connection_problem (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text NOT NULL,
  address text NOT NULL,
  client_id text,
  code text NOT NULL,
  detail text NOT NULL,
  limit_name text,
  limit_value double precision,
  limit_allowed double precision,
  count bigint NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL
);
CREATE INDEX connection_problem_same ON connection_problem (device_id, address, code, last_at);
CREATE INDEX connection_problem_newest ON connection_problem (last_at, id);
