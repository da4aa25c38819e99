-- Spark SQL 4: closed months in Parquet, and views over both forms. Ten years of a thousand
-- accounts are 3,650 folders of JSON a table, which Spark lists before its first query, and
-- compacted 120. It runs where you run Spark; the function neither makes nor reads any of it.
-- To ask questions run, of spark.sql, the definition of backup_calendar alone, and parts 1
-- and 2 here, with 6 as one of them; to compact, once a month or so, all definitions there
-- and parts 1 to 5 here.
-- oss://BUCKET/backup-compact/ stands for a place of yours, outside of the function's
-- prefix; it may be deleted. Each row keeps the sha256 of the table that it is from, as the
-- day's record had it then. So what was altered later is found, and what was cut short is
-- just run again.
-- The tests run all of this, on a folder.

-- 1. Once, where the catalog lasts; else in each session

CREATE TABLE IF NOT EXISTS compact_regions (
  schema_version INT, snapshot_date DATE, captured_at TIMESTAMP, captured_unix BIGINT,
  account_id STRING, source_type STRING, region_id STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT, sha256 STRING, month STRING
) USING parquet PARTITIONED BY (month) LOCATION 'oss://BUCKET/backup-compact/regions/';

CREATE TABLE IF NOT EXISTS compact_totals (
  schema_version INT, snapshot_date DATE, captured_at TIMESTAMP, captured_unix BIGINT,
  account_id STRING, source_type STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT, region_count BIGINT, regions_match_total BOOLEAN,
  sha256 STRING, month STRING
) USING parquet PARTITIONED BY (month) LOCATION 'oss://BUCKET/backup-compact/totals/';

-- No rows, which makes the folders: once is enough.
INSERT INTO compact_regions SELECT * FROM compact_regions WHERE false;
INSERT INTO compact_totals SELECT * FROM compact_totals WHERE false;

-- 2. In each session

-- A catalog that lasts knows its months; one that ends with the session looks for them.
MSCK REPAIR TABLE compact_regions;
MSCK REPAIR TABLE compact_totals;

-- The months that are not compacted, such as {2026-10,2026-11}: the folders of no others are
-- listed. Run this and what follows again after part 4.
DECLARE OR REPLACE VARIABLE open_months STRING;
-- The catalog knows the names of months: without this Spark reads all rows for them. (It is
-- deprecated, since of a table with empty files it tells partitions that have no rows; here
-- are none.)
SET spark.sql.optimizer.metadataOnly = true;
SET VARIABLE open_months = (
  SELECT concat('{', array_join(collect_set(substr(CAST(snapshot_date AS string), 1, 7)), ','), '}')
  FROM backup_calendar
  WHERE status <> 'missing' AND substr(CAST(snapshot_date AS string), 1, 7) NOT IN (SELECT DISTINCT month FROM compact_totals));
RESET spark.sql.optimizer.metadataOnly;

DECLARE OR REPLACE VARIABLE definition STRING;
SET VARIABLE definition = "CREATE OR REPLACE TEMPORARY VIEW open_regions (
  schema_version INT, snapshot_date DATE, captured_at TIMESTAMP, captured_unix BIGINT,
  account_id STRING, source_type STRING, region_id STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT
) USING json OPTIONS (mode 'FAILFAST', basePath 'oss://BUCKET/backup-statistics/regions/',
  path 'oss://BUCKET/backup-statistics/regions/dt=" || open_months || "-*')";
EXECUTE IMMEDIATE definition;
SET VARIABLE definition = "CREATE OR REPLACE TEMPORARY VIEW open_totals (
  schema_version INT, snapshot_date DATE, captured_at TIMESTAMP, captured_unix BIGINT,
  account_id STRING, source_type STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT, region_count BIGINT, regions_match_total BOOLEAN
) USING json OPTIONS (mode 'FAILFAST', basePath 'oss://BUCKET/backup-statistics/totals/',
  path 'oss://BUCKET/backup-statistics/totals/dt=" || open_months || "-*')";
EXECUTE IMMEDIATE definition;

-- Both forms as one: ask the questions of these in place of backup_regions and backup_totals.
-- What needs few days says of which months they are, as part 6 does: no others are read.
CREATE OR REPLACE TEMPORARY VIEW backup_regions_all AS
  SELECT * EXCEPT (month, sha256), snapshot_date AS dt, month FROM compact_regions WHERE instr(open_months, month) = 0
  UNION ALL
  SELECT *, substr(CAST(dt AS string), 1, 7) AS month FROM open_regions;

CREATE OR REPLACE TEMPORARY VIEW backup_totals_all AS
  SELECT * EXCEPT (month, sha256), snapshot_date AS dt, month FROM compact_totals WHERE instr(open_months, month) = 0
  UNION ALL
  SELECT *, substr(CAST(dt AS string), 1, 7) AS month FROM open_totals;

-- What the records of days say of their tables.
CREATE OR REPLACE TEMPORARY VIEW backup_records (
  snapshot_date DATE, objects ARRAY<STRUCT<key: STRING, rows: BIGINT, sha256: STRING>>
) USING json OPTIONS (path 'oss://BUCKET/backup-statistics/days/', mode 'FAILFAST');

CREATE OR REPLACE TEMPORARY VIEW backup_tables AS
  SELECT dt, split_part(object.key, '/', 1) AS table_name, object.rows AS table_rows, object.sha256 AS sha256
  FROM (
    SELECT snapshot_date AS dt, explode(filter(objects, o -> o.key NOT LIKE 'snapshots/%')) AS object
    FROM backup_records
  ) of_days;

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

SET spark.sql.sources.partitionOverwriteMode = dynamic;
DECLARE OR REPLACE VARIABLE months ARRAY<STRING>;
SET VARIABLE months = array('2026-10');

-- A file a month, in the order of days.
INSERT OVERWRITE compact_regions PARTITION (month)
  SELECT backup_regions.* EXCEPT (dt), sha256, substr(CAST(backup_regions.dt AS string), 1, 7) AS month
  FROM backup_regions LEFT JOIN backup_tables ON backup_regions.dt = backup_tables.dt AND table_name = 'regions'
  WHERE array_contains(months, substr(CAST(backup_regions.dt AS string), 1, 7))
  DISTRIBUTE BY month SORT BY month, snapshot_date, account_id, source_type, region_id;

INSERT OVERWRITE compact_totals PARTITION (month)
  SELECT backup_totals.* EXCEPT (dt), sha256, substr(CAST(backup_totals.dt AS string), 1, 7) AS month
  FROM backup_totals LEFT JOIN backup_tables ON backup_totals.dt = backup_tables.dt AND table_name = 'totals'
  WHERE array_contains(months, substr(CAST(backup_totals.dt AS string), 1, 7))
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

-- 6. Growth by region

-- As in spark.sql, of the two months that the days are of.
SELECT source_type, region_id, first_date, last_date,
       sum(CASE WHEN snapshot_date = first_date THEN protected_data_bytes END) AS first_bytes,
       sum(CASE WHEN snapshot_date = last_date THEN protected_data_bytes END) AS last_bytes,
       sum(CASE WHEN snapshot_date = last_date THEN protected_data_bytes ELSE 0 END)
         - sum(CASE WHEN snapshot_date = first_date THEN protected_data_bytes ELSE 0 END) AS growth_bytes,
       sum(CASE WHEN snapshot_date = last_date THEN protected_resource_count ELSE 0 END)
         - sum(CASE WHEN snapshot_date = first_date THEN protected_resource_count ELSE 0 END) AS growth_count
FROM (
  SELECT snapshot_date AS complete_date,
         min(snapshot_date) OVER () AS first_date, max(snapshot_date) OVER () AS last_date
  FROM (SELECT DISTINCT snapshot_date FROM backup_calendar WHERE status = 'complete') complete
) complete_days
JOIN backup_regions_all ON dt = complete_date AND month = substr(CAST(complete_date AS string), 1, 7)
WHERE complete_date = first_date OR complete_date = last_date
GROUP BY source_type, region_id, first_date, last_date
ORDER BY growth_bytes DESC, region_id LIMIT 1000;
