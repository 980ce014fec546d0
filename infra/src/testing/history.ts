import { openEngine } from '../storage/engine.ts'
import { repairLatest } from '../storage/latest.ts'
import type { Pool } from '../storage/pool.ts'

const DAY_MS = 86_400_000
/** Old readings are dropped by the week: of so many days one week at least goes, and more than one stays. */
const DAYS = 17
const DAYS_KEPT = 9

/**
 * A life of some weeks in every table: readings of which retention has dropped the oldest while their rollups stayed,
 * some in the columnstore, late ones that wait to be rolled up, a deletion under way, and texts of every kind.
 * @param secondsApart of two readings of a series
 */
export async function fillWithHistory(pool: Pool, { secondsApart }: { secondsApart: number }): Promise<void> {
  const engine = await openEngine(pool)
  const nowMs = Date.now()
  const days = Array.from({ length: DAYS + 1 }, (_, i) => nowMs - i * DAY_MS)
  // What is stored until `now()` a moment later may lie in the next week.
  await engine.cover([...days, nowMs + 60_000])
  await pool.query(REGISTRY)
  await pool.query(PEOPLE)
  // All of them at once would take longer than a statement may on a busy machine.
  const until = new Date(Math.floor(nowMs / 1_000) * 1_000)
  for (let day = 0; day < DAYS; day++)
    await pool.query(
      `INSERT INTO reading SELECT s, $1::timestamptz - n * interval '1 second',
        CASE s WHEN 1 THEN sin(n) * 1e6 ELSE n END
      FROM generate_series(${day} * 86400 + ${secondsApart}, ${day + 1} * 86400, ${secondsApart}) n,
        generate_series(1, 2) s`,
      [until],
    )
  await pool.query(`INSERT INTO reading_text SELECT 3, date_trunc('second', now()) - n * interval '1 hour',
      E'open\\t' || n || E'\\n\\\\' FROM generate_series(1, ${DAYS} * 24) n`)
  while (await engine.rollUp()) {
    // Until there is nothing more to roll up.
  }
  await dropOldReadings(pool, { engine: engine.name, beforeMs: nowMs - DAYS_KEPT * DAY_MS })
  await pool.query(`INSERT INTO reading VALUES (1, now() - interval '3 days 1.5 seconds', 42)`)
  await pool.query(`INSERT INTO late_reading (series_id, first_at, last_at)
    VALUES (1, now() - interval '3 days 1.5 seconds', now() - interval '3 days 1.5 seconds')`)
  await repairLatest(pool)
}

/** As retention does it: whole partitions or chunks, and nothing of their rollups. */
async function dropOldReadings(
  pool: Pool,
  { engine, beforeMs }: { engine: 'plain' | 'timescale'; beforeMs: number },
): Promise<void> {
  const before = new Date(beforeMs)
  if (engine === 'timescale') {
    await pool.query(`SELECT drop_chunks('reading', $1::timestamptz)`, [before])
    await pool.query(`SELECT compress_chunk(c) FROM show_chunks('reading', now() - interval '5 days') c`)
    return
  }
  const { rows } = await pool.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits
     WHERE inhparent = 'reading'::regclass AND right(inhrelid::regclass::text, 8) < to_char($1::timestamptz, 'YYYYMMDD')`,
    [new Date(beforeMs - 7 * DAY_MS)],
  )
  for (const { name } of rows) await pool.query(`DROP TABLE ${name}`)
}

const REGISTRY = `
  INSERT INTO device (id, name, tags, meta) VALUES
    ('kitchen', E'Küche \\t"1"\\\\N', '{a,"b,c",NULL}', '{"a": [1, "ü"]}'), ('cellar', '', '{}', '{}');
  INSERT INTO device_credential (device_id, hash) VALUES ('kitchen', '\\x00ff'), ('cellar', '');
  INSERT INTO device_activity VALUES ('kitchen', now(), 1000), ('cellar', now(), NULL);
  INSERT INTO series (device_id, metric, kind, mixed) VALUES
    ('kitchen', 'temperature', 'number', true), ('cellar', 'level', 'number', false), ('kitchen', 'door', 'string', false),
    ('cellar', 'gone', 'number', false);
  DELETE FROM series WHERE metric = 'gone';
  INSERT INTO device_deletion (device_id, series_ids, requested_by) VALUES ('gone', '{7,8}', 'admin');
  INSERT INTO rejected_message (key, device_id, received_at, topic, reason, payload, payload_bytes)
    SELECT CASE WHEN n > 9 THEN gen_random_uuid() END, 'kitchen', now() - n * interval '1 minute', 'a/topic', E'bad\\r\\n', '\\xdeadbeef', n
    FROM generate_series(1, 500) n;
  INSERT INTO integration (name, hash, read, write, created_by) VALUES ('node-red', '\\x04', false, true, 'admin');
  INSERT INTO device_type (name, metrics, commands, updated_by)
    VALUES ('oven', '{"z": {}, "a": {"unit": "°C"}}', '{}', 'admin');
  INSERT INTO board (owner, name, shared, range, panels, updated_by)
    VALUES ('admin', E'K\\tüche', true, '{"last": "15m"}', '[{"z": 1, "a": "\\u00fc"}]', 'admin');
  INSERT INTO enrolment (device_id, hash, client_id, rejected_at) VALUES
    ('new', '\\x05', '', NULL), ('stubborn', '\\x05', E'\\u0001', now());
  INSERT INTO connection_problem (device_id, address, code, detail, limit_value, count, first_at, last_at)
    VALUES ('', '', 'not_mqtt', E'\\r\\n', 'NaN', 3000000000, now(), now());
  INSERT INTO broker VALUES ('broker-1', now() - interval '3 weeks', now() - interval '1 hour');
  INSERT INTO session (device_id, broker_id, client_id, connected_at, reason)
    VALUES ('kitchen', 'broker-1', E'\\u0001', now() - interval '2 hours', NULL);
  INSERT INTO command (id, device_id, name, params, status, ttl_ms, created_by, expires_at)
    VALUES ('00000000-0000-4000-8000-000000000001', 'kitchen', 'set-led', '{"on": true}', 'queued', 1000, 'admin', now());
  INSERT INTO command_clock (ahead_ms) VALUES (-1);
  INSERT INTO command_batch (id, filter, name, params, ttl_ms, created_by, devices)
    VALUES ('00000000-0000-4000-8000-000000000004', '{"all": true}', 'set-led', '{"on": true}', 1000, 'admin', 2);
  INSERT INTO command_batch_device VALUES
    ('00000000-0000-4000-8000-000000000004', 0, 'kitchen', '00000000-0000-4000-8000-000000000001', NULL),
    ('00000000-0000-4000-8000-000000000004', 1, 'gone', '00000000-0000-4000-8000-000000000005', E'\\r\\n');
  INSERT INTO command_event (command_id, status) VALUES
    ('00000000-0000-4000-8000-000000000001', 'queued'), ('00000000-0000-4000-8000-000000000001', 'sent');`

const PEOPLE = `
  INSERT INTO app_user (id, username, password_hash, role)
    VALUES ('00000000-0000-4000-8000-000000000002', 'admin', 'x', 'admin');
  INSERT INTO login_session (token_hash, user_id, expires_at)
    VALUES ('\\x01', '00000000-0000-4000-8000-000000000002', 'infinity');
  INSERT INTO sign_in_link VALUES ('\\x02', '00000000-0000-4000-8000-000000000002', now());
  INSERT INTO api_token (name, hash, role, created_by) VALUES ('script', '\\x03', 'viewer', 'admin');
  INSERT INTO audit_entry (actor, action, result) VALUES ('admin', 'session.create', 'ok');`
