-- Up Migration

-- A user made without a password has none until the person chooses one: nobody else ever knew it.
ALTER TABLE app_user ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE app_user ADD COLUMN signed_in_at timestamptz;

-- What people call a session by: the hash of its cookie stays in the database.
ALTER TABLE login_session ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;
-- Whoever came by a link has shown no password, and may choose one without the current one.
ALTER TABLE login_session ADD COLUMN by_link boolean NOT NULL DEFAULT false;

-- The pages of the audit log: newest first, of one person, of one kind, about one thing.
CREATE INDEX audit_entry_actor ON audit_entry (lower(actor), id DESC);
CREATE INDEX audit_entry_action ON audit_entry (action text_pattern_ops, id DESC);
CREATE INDEX audit_entry_target ON audit_entry (target, id DESC);

-- What a broker runs with, as it says itself; never a secret. Null: it is older than this column.
ALTER TABLE broker ADD COLUMN settings jsonb;
