-- DuckDB: closed months in Parquet, a file a month, and views over both forms. Ten years of
-- a thousand accounts are 3,650 files of JSON a table, and compacted 120 small ones. It
-- runs where you run DuckDB; the function neither makes nor reads any of it.
-- Run the definitions of duckdb.sql, then part 2 in each session, and parts 3 to 5 once a
-- month or so. s3://BUCKET/backup-compact/ stands for a place of yours, outside of the
-- function's prefix; it may be deleted. (In a folder, make that of the month first.)
-- Each row keeps the sha256 of the table that it is from, as the day's record had it then.
-- So what was altered later is found, and what was cut short is just run again.
-- The tests run all of this, on a folder.

-- 1. Once: a month without rows, so that there is something to read

COPY (SELECT * EXCLUDE (dt), '' AS sha256 FROM backup_regions WHERE false)
  TO 's3://BUCKET/backup-compact/regions/month=0000-00/regions.parquet' (FORMAT parquet);
COPY (SELECT * EXCLUDE (dt), '' AS sha256 FROM backup_totals WHERE false)
  TO 's3://BUCKET/backup-compact/totals/month=0000-00/totals.parquet' (FORMAT parquet);

-- 2. In each session

CREATE OR REPLACE VIEW compact_regions AS
  SELECT *, snapshot_date AS dt
  FROM read_parquet('s3://BUCKET/backup-compact/regions/month=*/regions.parquet', hive_types = {month: 'VARCHAR'});

CREATE OR REPLACE VIEW compact_totals AS
  SELECT *, snapshot_date AS dt
  FROM read_parquet('s3://BUCKET/backup-compact/totals/month=*/totals.parquet', hive_types = {month: 'VARCHAR'});

-- The months that are compacted; set it again after part 4. It is a variable, and months are
-- asked for by substr, since DuckDB then leaves files of other months alone: through a view
-- it would open all for strftime.
SET VARIABLE compacted = (SELECT list(DISTINCT month) FROM compact_totals);

-- Both forms as one: ask the questions of these in place of backup_regions and backup_totals.
CREATE OR REPLACE VIEW backup_regions_all AS
  SELECT * EXCLUDE (month, sha256) FROM compact_regions WHERE list_contains(getvariable('compacted'), month)
  UNION ALL
  SELECT * FROM backup_regions
  WHERE NOT list_contains(coalesce(getvariable('compacted'), []), substr(CAST(dt AS varchar), 1, 7));

CREATE OR REPLACE VIEW backup_totals_all AS
  SELECT * EXCLUDE (month, sha256) FROM compact_totals WHERE list_contains(getvariable('compacted'), month)
  UNION ALL
  SELECT * FROM backup_totals
  WHERE NOT list_contains(coalesce(getvariable('compacted'), []), substr(CAST(dt AS varchar), 1, 7));

-- What the records of days say of their tables.
CREATE OR REPLACE VIEW backup_tables AS
  SELECT dt, file, split_part(object."key", '/', 1) AS table_name, object."rows" AS table_rows, object.sha256
  FROM (
    SELECT snapshot_date AS dt, filename AS file,
           unnest(list_filter(objects, lambda o: NOT starts_with(o."key", 'snapshots/'))) AS object
    FROM read_json('s3://BUCKET/backup-statistics/days/*.json', format = 'newline_delimited', filename = true, columns = {
      snapshot_date: 'DATE', objects: 'STRUCT("key" VARCHAR, "rows" BIGINT, sha256 VARCHAR)[]'})
  ) of_days;

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

SET VARIABLE month = '2026-10';

COPY (
  SELECT backup_regions.* EXCLUDE (dt), sha256
  FROM backup_regions LEFT JOIN backup_tables
    ON backup_regions.dt = backup_tables.dt AND table_name = 'regions' AND file LIKE '%/' || getvariable('month') || '-__.json'
  WHERE substr(CAST(backup_regions.dt AS varchar), 1, 7) = getvariable('month')
) TO ('s3://BUCKET/backup-compact/regions/month=' || getvariable('month') || '/regions.parquet') (FORMAT parquet, COMPRESSION zstd);

COPY (
  SELECT backup_totals.* EXCLUDE (dt), sha256
  FROM backup_totals LEFT JOIN backup_tables
    ON backup_totals.dt = backup_tables.dt AND table_name = 'totals' AND file LIKE '%/' || getvariable('month') || '-__.json'
  WHERE substr(CAST(backup_totals.dt AS varchar), 1, 7) = getvariable('month')
) TO ('s3://BUCKET/backup-compact/totals/month=' || getvariable('month') || '/totals.parquet') (FORMAT parquet, COMPRESSION zstd);

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
