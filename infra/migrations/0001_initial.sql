-- Up Migration

-- Devices and what they prove themselves with. Secrets are 256-bit random: a plain SHA-256 is enough (ADR 0004).
CREATE TABLE device (
  id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$'),
  name text NOT NULL,
  type text,
  tags text[] NOT NULL DEFAULT '{}',
  meta jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz
);
CREATE INDEX device_tags ON device USING gin (tags);

CREATE TABLE device_credential (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
  hash bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE INDEX device_credential_device ON device_credential (device_id);

-- When a device was last heard and how often it usually speaks: written every few seconds by the broker, all
-- devices in one statement. Apart from `device` so that the registry is not rewritten by traffic.
CREATE TABLE device_activity (
  device_id text PRIMARY KEY REFERENCES device ON DELETE CASCADE,
  seen_at timestamptz NOT NULL,
  interval_ms integer
) WITH (fillfactor = 70);

-- Readings. A reading's identity is (series, time): redelivery, replay and two writers are harmless.
-- No foreign key on the hot path; deleting a device deletes its readings first.
CREATE TABLE series (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
  metric text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('number', 'boolean', 'string')),
  unit text,
  -- Rows in both reading and reading_text: the metric has changed its type.
  mixed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (device_id, metric)
);

CREATE TABLE reading (
  series_id integer NOT NULL,
  time timestamptz NOT NULL,
  value double precision NOT NULL,
  UNIQUE (series_id, time)
) PARTITION BY RANGE (time);
CREATE TABLE reading_text (
  series_id integer NOT NULL,
  time timestamptz NOT NULL,
  value text NOT NULL,
  UNIQUE (series_id, time)
) PARTITION BY RANGE (time);

CREATE TABLE rejected_message (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
  received_at timestamptz NOT NULL,
  topic text NOT NULL,
  reason text NOT NULL,
  payload bytea NOT NULL,
  payload_bytes integer NOT NULL
);
CREATE INDEX rejected_message_device ON rejected_message (device_id, id DESC);

-- Presence: the newest session of a device, and what the device itself said in it.
CREATE TABLE broker (
  id text PRIMARY KEY,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL
);

CREATE TABLE session (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
  broker_id text NOT NULL,
  client_id text NOT NULL,
  address text,
  connected_at timestamptz NOT NULL,
  disconnected_at timestamptz,
  reason text,
  reported text CHECK (reported IN ('online', 'offline')),
  reported_at timestamptz
);
CREATE INDEX session_device ON session (device_id, id DESC);
CREATE INDEX session_open ON session (broker_id) WHERE disconnected_at IS NULL;

-- Commands: the row is the truth, messages are nudges.
CREATE TABLE command (
  id uuid PRIMARY KEY,
  device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
  name text NOT NULL,
  params jsonb NOT NULL,
  status text NOT NULL CHECK (status IN ('queued', 'sent', 'delivered', 'accepted', 'succeeded', 'failed',
    'rejected', 'expired', 'timed_out', 'cancelled')),
  ttl_ms integer NOT NULL,
  created_by text NOT NULL,
  idempotency_key text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  sent_at timestamptz,
  delivered_at timestamptz,
  accepted_at timestamptz,
  reply_due_at timestamptz,
  finished_at timestamptz,
  progress jsonb,
  result jsonb,
  error text,
  UNIQUE (created_by, idempotency_key)
);
CREATE INDEX command_device ON command (device_id, created_at DESC, id);
CREATE INDEX command_open ON command (device_id) WHERE finished_at IS NULL;

CREATE TABLE command_event (
  command_id uuid NOT NULL REFERENCES command ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  status text NOT NULL,
  detail jsonb
);
CREATE INDEX command_event_command ON command_event (command_id, at);

-- People.
CREATE TABLE app_user (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  username text NOT NULL,
  password_hash text NOT NULL,
  role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz
);
CREATE UNIQUE INDEX app_user_username ON app_user (lower(username));

CREATE TABLE login_session (
  token_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app_user ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  address text,
  user_agent text
);
CREATE INDEX login_session_user ON login_session (user_id);

CREATE TABLE sign_in_link (
  token_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app_user ON DELETE CASCADE,
  expires_at timestamptz NOT NULL
);

CREATE TABLE api_token (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  hash bytea NOT NULL UNIQUE,
  role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  used_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE audit_entry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  target text,
  detail jsonb,
  result text NOT NULL,
  address text
);
CREATE INDEX audit_entry_at ON audit_entry (at DESC);
