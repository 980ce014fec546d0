-- Up Migration

-- Dashboards that people compose. `owner` is the name of a user or, as elsewhere, `token:{name}`: no foreign key,
-- because tokens have boards too. No foreign keys to devices either: a panel of a device that is deleted
-- stays and says so.
CREATE TABLE board (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner text NOT NULL,
  name text NOT NULL,
  -- Anyone who is signed in may look.
  shared boolean NOT NULL DEFAULT false,
  range jsonb NOT NULL CHECK (jsonb_typeof(range) = 'object'),
  panels jsonb NOT NULL CHECK (jsonb_typeof(panels) = 'array'),
  -- Counts the saves: who saves says which one they started from.
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text NOT NULL
);
CREATE INDEX board_of_owner ON board (owner);
CREATE INDEX board_shared ON board (created_at, id) WHERE shared;
