-- Up Migration

-- One command for many devices. A runner in every API makes the commands a few at a time, in the order of `position`,
-- and whichever has the turn goes on where the last one ended.
CREATE TABLE command_batch (
  id uuid PRIMARY KEY,
  -- The newest last, whatever the wall clock did in between.
  seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  filter jsonb NOT NULL,
  name text NOT NULL,
  params jsonb NOT NULL,
  ttl_ms integer NOT NULL,
  created_by text NOT NULL,
  idempotency_key text,
  created_at timestamptz NOT NULL DEFAULT now(),
  devices integer NOT NULL CHECK (devices > 0),
  -- Devices before this position have had their turn.
  position integer NOT NULL DEFAULT 0,
  -- The batch that has waited longest has its turn next.
  turn_at timestamptz NOT NULL DEFAULT now(),
  -- Every command is made.
  finished_at timestamptz,
  stopped_at timestamptz,
  -- A runner has something to do: commands to make, or queued ones to cancel after a stop.
  is_open boolean NOT NULL DEFAULT true,
  UNIQUE (created_by, idempotency_key)
);
CREATE INDEX command_batch_open ON command_batch (turn_at) WHERE is_open;

-- All runners together keep one pace: whoever has this row locked makes commands, and none before its time.
CREATE TABLE command_batch_pace (next_at timestamptz NOT NULL);
INSERT INTO command_batch_pace VALUES ('epoch');

-- The selection as it was when somebody pressed the button. What became of a device is not written here: its command
-- is the truth. Without one a device had no turn yet, or `error` says why it was refused; no error: it was deleted.
-- Command ids are chosen beforehand, so that whoever repeats a turn repeats the same commands. No foreign key to
-- device: a device that is deleted stays in the results.
CREATE TABLE command_batch_device (
  batch_id uuid NOT NULL REFERENCES command_batch ON DELETE CASCADE,
  position integer NOT NULL,
  device_id text NOT NULL,
  command_id uuid NOT NULL DEFAULT gen_random_uuid(),
  error text,
  PRIMARY KEY (batch_id, position)
);
