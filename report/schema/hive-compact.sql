-- Hive: closed months in ORC, and views over both forms. Ten years of a thousand accounts
-- are 3,650 partitions of JSON a table, and compacted 120. It runs where you run Hive; the
-- function neither makes nor reads any of it. Run the definitions of hive.sql first, part 1
-- once, and the others once a month or so.
-- oss://BUCKET/backup-compact/ stands for a place of yours, outside of the function's
-- prefix; it may be deleted.
-- Each row keeps the sha256 of the table that it is from, as the day's record had it then.
-- So what was altered later is found, and what was cut short is just run again.
-- The tests run it with Hive 4.0.1.

-- 1. Once

CREATE EXTERNAL TABLE IF NOT EXISTS compact_regions (
  schema_version BIGINT, snapshot_date STRING, captured_at STRING, captured_unix BIGINT,
  account_id STRING, source_type STRING, region_id STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT, sha256 STRING)
PARTITIONED BY (month STRING)
STORED AS ORC LOCATION 'oss://BUCKET/backup-compact/regions/';

CREATE EXTERNAL TABLE IF NOT EXISTS compact_totals (
  schema_version BIGINT, snapshot_date STRING, captured_at STRING, captured_unix BIGINT,
  account_id STRING, source_type STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT, region_count BIGINT, regions_match_total BOOLEAN,
  sha256 STRING)
PARTITIONED BY (month STRING)
STORED AS ORC LOCATION 'oss://BUCKET/backup-compact/totals/';

-- What is there already.
MSCK REPAIR TABLE compact_regions;
MSCK REPAIR TABLE compact_totals;

-- What the records of days say of their tables.
CREATE EXTERNAL TABLE IF NOT EXISTS backup_records (
  snapshot_date STRING, objects ARRAY<STRUCT<`key`: STRING, `rows`: BIGINT, sha256: STRING>>)
STORED AS JSONFILE LOCATION 'oss://BUCKET/backup-statistics/days/';

CREATE OR REPLACE VIEW backup_tables AS
  SELECT snapshot_date AS dt, split(object.`key`, '/')[0] AS table_name, object.`rows` AS table_rows, object.sha256 AS sha256
  FROM backup_records LATERAL VIEW explode(objects) exploded AS object
  WHERE object.`key` NOT LIKE 'snapshots/%';

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
  SELECT substr(CAST(dt AS string), 1, 7) AS month, dt, table_name, table_rows, sha256
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
WHERE month < (SELECT substr(CAST(max(snapshot_date) AS string), 1, 7) FROM backup_calendar WHERE status = 'complete')
GROUP BY month ORDER BY month;

-- 4. Each of these months

-- As many in one go as are named in both statements.
SET hive.exec.dynamic.partition.mode = nonstrict;
SET hive.exec.max.dynamic.partitions.pernode = 1000;

INSERT OVERWRITE TABLE compact_regions PARTITION (month)
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    region_id, protected_data_bytes, protected_resource_count, sha256, substr(backup_regions.dt, 1, 7) AS month
  FROM backup_regions LEFT JOIN backup_tables ON backup_regions.dt = backup_tables.dt AND table_name = 'regions'
  WHERE substr(backup_regions.dt, 1, 7) IN ('2026-10')
  DISTRIBUTE BY month SORT BY month, snapshot_date, account_id, source_type, region_id;

INSERT OVERWRITE TABLE compact_totals PARTITION (month)
  SELECT schema_version, snapshot_date, captured_at, captured_unix, account_id, source_type,
    protected_data_bytes, protected_resource_count, region_count, regions_match_total, sha256, substr(backup_totals.dt, 1, 7) AS month
  FROM backup_totals LEFT JOIN backup_tables ON backup_totals.dt = backup_tables.dt AND table_name = 'totals'
  WHERE substr(backup_totals.dt, 1, 7) IN ('2026-10')
  DISTRIBUTE BY month SORT BY month, snapshot_date, account_id, source_type;

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
