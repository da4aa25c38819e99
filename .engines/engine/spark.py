import pyspark
from pyspark.sql import SparkSession

from asked import answers, script, shipped


def ask(buckets):
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")  # few rows, and few cores:
        .config("spark.sql.sources.parallelPartitionDiscovery.threshold", "100000")  # no jobs to list folders
        .getOrCreate()
    )

    def run(sql):
        return [tuple(row) for row in session.sql(sql).collect()]

    answered = {
        name: answers(script(*shipped("spark", bucket), "unix_timestamp(captured_at)"), run) for name, bucket in buckets.items()
    }
    session.stop()
    return pyspark.__version__, answered
