-- Trino: closed months in ORC, and views over both forms. Ten years of a thousand accounts
-- are 3,650 partitions of JSON a table, and compacted 120. It runs where you run Trino; the
-- function neither makes nor reads any of it. Run the definitions of trino.sql first, part 1
-- once, and the others once a month or so.
-- s3://BUCKET/backup-compact/ stands for a place of yours, outside of the function's
-- prefix; it may be deleted. The catalog must allow to write there:
-- hive.non-managed-table-writes-enabled=true.
-- Each row keeps the sha256 of the table that it is from, as the day's record had it then.
-- So what was altered later is found, and what was cut short is just run again.
-- The tests run it with Trino 483.

-- 1. Once

USE hive.default;

CREATE TABLE IF NOT EXISTS compact_regions (
  schema_version integer, snapshot_date varchar, captured_at varchar, captured_unix bigint,
  account_id varchar, source_type varchar, region_id varchar, protected_data_bytes bigint,
  protected_resource_count bigint, sha256 varchar, month varchar)
WITH (format = 'ORC', external_location = 's3://BUCKET/backup-compact/regions/', partitioned_by = ARRAY['month']);

CREATE TABLE IF NOT EXISTS compact_totals (
  schema_version integer, snapshot_date varchar, captured_at varchar, captured_unix bigint,
  account_id varchar, source_type varchar, protected_data_bytes bigint,
  protected_resource_count bigint, region_count bigint, regions_match_total boolean,
  sha256 varchar, month varchar)
WITH (format = 'ORC', external_location = 's3://BUCKET/backup-compact/totals/', partitioned_by = ARRAY['month']);

-- What is there already.
CALL system.sync_partition_metadata('default', 'compact_regions', 'ADD');
CALL system.sync_partition_metadata('default', 'compact_totals', 'ADD');

-- What the records of days say of their tables.
CREATE TABLE IF NOT EXISTS backup_records (
  snapshot_date varchar, objects array(row("key" varchar, "rows" bigint, sha256 varchar)))
WITH (format = 'JSON', external_location = 's3://BUCKET/backup-statistics/days/');

CREATE OR REPLACE VIEW backup_tables AS
  SELECT snapshot_date AS dt, split_part(object_key, '/', 1) AS table_name, table_rows, sha256
  FROM backup_records CROSS JOIN UNNEST(objects) AS object (object_key, table_rows, sha256)
  WHERE object_key NOT LIKE 'snapshots/%';

-- 2. After part 4: both forms as one

-- Put the first month that is not compacted in place of 2026-11, and ask the questions of
-- these views in place of backup_regions and backup_totals.
CREATE OR REPLACE VIEW backup_regions_all AS
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    region_id, protected_data_bytes, protected_resource_count, snapshot_date AS dt
  FROM compact_regions WHERE month < '2026-11'
  UNION ALL
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    region_id, protected_data_bytes, protected_resource_count, dt
  FROM backup_regions WHERE dt >= '2026-11';

CREATE OR REPLACE VIEW backup_totals_all AS
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    protected_data_bytes, protected_resource_count, region_count, regions_match_total, snapshot_date AS dt
  FROM compact_totals WHERE month < '2026-11'
  UNION ALL
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    protected_data_bytes, protected_resource_count, region_count, regions_match_total, dt
  FROM backup_totals WHERE dt >= '2026-11';

-- 3. Months to compact

-- Closed months that are not compacted, or not as their days are now: somebody came late,
-- snapshots were replaced, all was rebuilt. None, once part 4 is through: rows are counted.
SELECT month, count(DISTINCT dt) AS days
FROM (
  SELECT substr(CAST(dt AS varchar), 1, 7) AS month, dt, table_name, table_rows, sha256
  FROM (
    SELECT dt, table_name, table_rows, sha256, 1 AS recorded FROM backup_tables
    UNION ALL
    SELECT snapshot_date AS dt, 'regions' AS table_name, count(*) AS table_rows, sha256, -1 AS recorded
    FROM compact_regions GROUP BY snapshot_date, sha256
    UNION ALL
    SELECT snapshot_date AS dt, 'totals' AS table_name, count(*) AS table_rows, sha256, -1 AS recorded
    FROM compact_totals GROUP BY snapshot_date, sha256
  ) both_forms
  GROUP BY dt, table_name, table_rows, sha256 HAVING sum(recorded) <> 0
) differing
WHERE month < (SELECT substr(CAST(max(snapshot_date) AS varchar), 1, 7) FROM backup_calendar WHERE status = 'complete')
GROUP BY month ORDER BY month;

-- 4. Each of these months

-- As many in one go as are named in both statements. What a month has is replaced.
SET SESSION hive.insert_existing_partitions_behavior = 'OVERWRITE';

INSERT INTO compact_regions
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    region_id, protected_data_bytes, protected_resource_count, sha256, substr(backup_regions.dt, 1, 7) AS month
  FROM backup_regions LEFT JOIN backup_tables ON backup_regions.dt = backup_tables.dt AND table_name = 'regions'
  WHERE substr(backup_regions.dt, 1, 7) IN ('2026-10');

INSERT INTO compact_totals
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    protected_data_bytes, protected_resource_count, region_count, regions_match_total, sha256, substr(backup_totals.dt, 1, 7) AS month
  FROM backup_totals LEFT JOIN backup_tables ON backup_totals.dt = backup_tables.dt AND table_name = 'totals'
  WHERE substr(backup_totals.dt, 1, 7) IN ('2026-10');

-- 5. Check

-- Days whose sums are others than the calendar's: none. Regions are held against it where
-- all accounts' regions add up to their totals.
SELECT snapshot_date, source_type, protected_data_bytes, total_bytes, region_bytes
FROM (
  SELECT calendar.snapshot_date, calendar.source_type, protected_data_bytes, protected_resource_count,
         total_bytes, total_count, all_match, coalesce(region_bytes, 0) AS region_bytes, coalesce(region_count, 0) AS region_count
  FROM backup_calendar calendar
  JOIN (
    SELECT snapshot_date, source_type, sum(protected_data_bytes) AS total_bytes, sum(protected_resource_count) AS total_count,
           min(CASE WHEN regions_match_total THEN 1 ELSE 0 END) AS all_match
    FROM compact_totals GROUP BY snapshot_date, source_type
  ) totals ON calendar.snapshot_date = totals.snapshot_date AND calendar.source_type = totals.source_type
  LEFT JOIN (
    SELECT snapshot_date, source_type, sum(protected_data_bytes) AS region_bytes, sum(protected_resource_count) AS region_count
    FROM compact_regions GROUP BY snapshot_date, source_type
  ) regions ON calendar.snapshot_date = regions.snapshot_date AND calendar.source_type = regions.source_type
  WHERE status = 'complete'
) sums
WHERE total_bytes <> protected_data_bytes OR total_count <> protected_resource_count
   OR all_match = 1 AND (region_bytes <> protected_data_bytes OR region_count <> protected_resource_count)
ORDER BY snapshot_date, source_type LIMIT 1000;
