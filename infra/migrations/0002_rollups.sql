-- Up Migration

-- The newest reading of each series by event time, kept by the brokers within a second or so: what a list of ten
-- thousand devices shows. Whoever needs the last second looks into `reading` behind it.
CREATE TABLE latest_reading (
  series_id integer PRIMARY KEY,
  time timestamptz NOT NULL,
  number double precision,
  text text,
  CHECK (num_nonnulls(number, text) = 1)
) WITH (fillfactor = 50);

-- Where rollups may be behind: ranges (both ends included) of readings that arrived later than rollups wait for.
-- Written with the readings, in their transaction; removed when the rollups have caught up. Charts read these ranges
-- from the readings themselves, so they are never behind.
CREATE TABLE late_reading (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  series_id integer NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  noted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX late_reading_series ON late_reading (series_id);

-- Devices that were deleted and whose readings are being removed in the background; kept as a record. Series ids are
-- never used again. The highest id tells brokers whether what they know of series is still true.
CREATE TABLE device_deletion (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text NOT NULL,
  series_ids integer[] NOT NULL,
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT now(),
  readings_deleted bigint NOT NULL DEFAULT 0,
  finished_at timestamptz
);
CREATE INDEX device_deletion_open ON device_deletion (id) WHERE finished_at IS NULL;

-- Rollups of plain PostgreSQL, advanced by a job; on TimescaleDB continuous aggregates take the place of the three
-- views, with the same names and columns. `sum` is in units of 2^30 (exact), or values near the largest double would
-- overflow it; values below 1e-280 count as zero there, or they would underflow.
CREATE TABLE rollup_1m (
  series_id integer NOT NULL,
  bucket timestamptz NOT NULL,
  min double precision NOT NULL,
  max double precision NOT NULL,
  sum double precision NOT NULL,
  count bigint NOT NULL,
  last double precision NOT NULL,
  PRIMARY KEY (series_id, bucket)
);
CREATE TABLE rollup_1h (LIKE rollup_1m INCLUDING ALL);
CREATE TABLE rollup_1d (LIKE rollup_1m INCLUDING ALL);

-- Each rollup table is complete for buckets before `done_until`, but for what late_reading lists.
CREATE TABLE rollup_progress (
  level text PRIMARY KEY CHECK (level IN ('1m', '1h', '1d')),
  done_until timestamptz NOT NULL
);
INSERT INTO rollup_progress (level, done_until) VALUES ('1m', '-infinity'), ('1h', '-infinity'), ('1d', '-infinity');

-- What is rolled up, and behind it the present from the next finer source: no seam.
CREATE VIEW reading_1m AS
  SELECT series_id, bucket, min, max, sum, count, last FROM rollup_1m
  WHERE bucket < (SELECT done_until FROM rollup_progress WHERE level = '1m')
  UNION ALL
  SELECT series_id, date_bin('1 minute', time, 'epoch'), min(value), max(value),
    sum(CASE WHEN abs(value) > 1e-280 THEN value / 1073741824 ELSE 0 END), count(*),
    (array_agg(value ORDER BY time DESC))[1]
  FROM reading WHERE time >= (SELECT done_until FROM rollup_progress WHERE level = '1m') GROUP BY 1, 2;
CREATE VIEW reading_1h AS
  SELECT series_id, bucket, min, max, sum, count, last FROM rollup_1h
  WHERE bucket < (SELECT done_until FROM rollup_progress WHERE level = '1h')
  UNION ALL
  SELECT series_id, date_bin('1 hour', bucket, 'epoch'), min(min), max(max), sum(sum), sum(count)::bigint,
    (array_agg(last ORDER BY bucket DESC))[1]
  FROM reading_1m WHERE bucket >= (SELECT done_until FROM rollup_progress WHERE level = '1h') GROUP BY 1, 2;
CREATE VIEW reading_1d AS
  SELECT series_id, bucket, min, max, sum, count, last FROM rollup_1d
  WHERE bucket < (SELECT done_until FROM rollup_progress WHERE level = '1d')
  UNION ALL
  SELECT series_id, date_bin('1 day', bucket, 'epoch'), min(min), max(max), sum(sum), sum(count)::bigint,
    (array_agg(last ORDER BY bucket DESC))[1]
  FROM reading_1h WHERE bucket >= (SELECT done_until FROM rollup_progress WHERE level = '1d') GROUP BY 1, 2;

-- Readings before this may have been dropped by retention: rollups there are never made again from what is left.
CREATE TABLE retention_state (dropped_before timestamptz NOT NULL);
INSERT INTO retention_state VALUES ('-infinity');
