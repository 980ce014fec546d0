-- Up Migration

-- What devices of a type measure and can be asked for. No foreign key from device: types are optional, a device may
-- name one that nobody has described, and keeps the name when its type is deleted.
-- Descriptions are JSON as text: jsonb would sort the keys, which are in the order people are to see them, and json
-- cannot be compared, which moving a database needs. The casts refuse what is no JSON object, and text that jsonb
-- could not hold.
CREATE TABLE device_type (
  name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$'),
  label text,
  metrics text NOT NULL CHECK (jsonb_typeof(metrics::jsonb) = 'object'),
  commands text NOT NULL CHECK (jsonb_typeof(commands::jsonb) = 'object'),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text NOT NULL
);

-- How many devices name a type, and which.
CREATE INDEX device_of_type ON device (type) WHERE type IS NOT NULL;
