-- MaxCompute: tables over the bucket, and three questions to ask of them.
-- Replace BUCKET/backup-statistics/ by your bucket and prefix, and the region of the
-- endpoint by that of the bucket and the project.
--
-- The numbers count the ECS File Backup Essential Edition only. protected_data_bytes
-- is the capacity of the disks attached to the backed-up instances: the base of the
-- bill, not the size of the backups. Snapshots are dated in the time zone that the
-- day records name; captured_at is UTC.
-- The questions are those of spark.sql, which the tests run; the tables follow the
-- documentation of MaxCompute. Alibaba's own parser reads all of this, and nothing ran it.

CREATE EXTERNAL TABLE IF NOT EXISTS backup_regions (
  schema_version BIGINT, snapshot_date STRING, captured_at STRING, captured_unix BIGINT,
  account_id STRING, source_type STRING, region_id STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT)
PARTITIONED BY (dt STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS TEXTFILE LOCATION 'oss://oss-cn-hangzhou-internal.aliyuncs.com/BUCKET/backup-statistics/regions/';

CREATE EXTERNAL TABLE IF NOT EXISTS backup_totals (
  schema_version BIGINT, snapshot_date STRING, captured_at STRING, captured_unix BIGINT,
  account_id STRING, source_type STRING, protected_data_bytes BIGINT,
  protected_resource_count BIGINT, region_count BIGINT, regions_match_total BOOLEAN)
PARTITIONED BY (dt STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS TEXTFILE LOCATION 'oss://oss-cn-hangzhou-internal.aliyuncs.com/BUCKET/backup-statistics/totals/';

-- Each calendar day and source type, holes too: which days are complete. (Why one is not
-- is in its record, days/DATE.json.)
CREATE EXTERNAL TABLE IF NOT EXISTS backup_calendar (
  schema_version BIGINT, snapshot_date STRING, status STRING, source_type STRING,
  protected_data_bytes BIGINT, protected_resource_count BIGINT,
  accounts_expected BIGINT, accounts_collected BIGINT)
PARTITIONED BY (year STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS TEXTFILE LOCATION 'oss://oss-cn-hangzhou-internal.aliyuncs.com/BUCKET/backup-statistics/calendar/';

-- Each day is a partition, and each year of the calendar: all of them once, then one a day.
MSCK REPAIR TABLE backup_regions ADD PARTITIONS;
MSCK REPAIR TABLE backup_totals ADD PARTITIONS;
MSCK REPAIR TABLE backup_calendar ADD PARTITIONS;
ALTER TABLE backup_regions ADD IF NOT EXISTS PARTITION (dt = '2026-11-23');
ALTER TABLE backup_totals ADD IF NOT EXISTS PARTITION (dt = '2026-11-23');
ALTER TABLE backup_calendar ADD IF NOT EXISTS PARTITION (year = '2026');

-- The questions read all partitions, which some projects forbid.
SET odps.sql.allow.fullscan = true;

-- Growth by region, from the first complete day to the last, over all accounts.
-- NULL in first_ or last_bytes: the region was not there that day.
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
JOIN backup_regions ON dt = complete_date
WHERE complete_date = first_date OR complete_date = last_date
GROUP BY source_type, region_id, first_date, last_date
ORDER BY growth_bytes DESC, region_id LIMIT 1000;

-- Change day over day, by account. NULL: the day before has no row, and a change
-- over a hole would be a guess.
SELECT snapshot_date, account_id, source_type, protected_data_bytes,
       CASE WHEN days_since = 1 THEN protected_data_bytes - bytes_before END AS change_bytes,
       CASE WHEN days_since = 1 THEN protected_resource_count - count_before END AS change_count
FROM (
  SELECT snapshot_date, account_id, source_type, protected_data_bytes, protected_resource_count,
         datediff(snapshot_date, lag(snapshot_date, 1) OVER (PARTITION BY account_id, source_type ORDER BY snapshot_date)) AS days_since,
         lag(protected_data_bytes, 1) OVER (PARTITION BY account_id, source_type ORDER BY snapshot_date) AS bytes_before,
         lag(protected_resource_count, 1) OVER (PARTITION BY account_id, source_type ORDER BY snapshot_date) AS count_before
  FROM backup_totals
) with_day_before
ORDER BY snapshot_date DESC, account_id, source_type LIMIT 10000;

-- Days missing: runs of calendar days without a snapshot, between days with some.
SELECT last_before, first_after, days_between - 1 AS days_missing
FROM (
  SELECT snapshot_date AS last_before, lead(snapshot_date, 1) OVER (ORDER BY snapshot_date) AS first_after,
         datediff(lead(snapshot_date, 1) OVER (ORDER BY snapshot_date), snapshot_date) AS days_between
  FROM (SELECT DISTINCT snapshot_date FROM backup_calendar WHERE status <> 'missing') days_with_rows
) neighbours
WHERE days_between > 1
ORDER BY last_before LIMIT 1000;
