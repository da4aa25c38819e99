"""Reads the tables with Spark, through Hadoop's file system for OSS."""

import glob
import json
import os

from names import PREFIX, TOLD, WRONG_REGION

import pyspark
from pyspark.sql import SparkSession

HERE = os.path.dirname(os.path.abspath(__file__))


def session():
    oss = {
        "impl": "org.apache.hadoop.fs.aliyun.oss.AliyunOSSFileSystem",
        # Under another name than the vendor's it would take the host for the bucket's own.
        "endpoint": TOLD["OSS_ENDPOINT"].removeprefix("http://").replace(".localhost", ".aliyuncs.com"),
        "connection.secure.enabled": "false",
        "accessKeyId": TOLD["KEY_ID"],
        "accessKeySecret": TOLD["KEY_SECRET"],
        "signatureversion": "V4",
        "region": TOLD["OSS_REGION"],
        "attempts.maximum": "1",
    }
    builder = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.sources.parallelPartitionDiscovery.threshold", "100000")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraClassPath", ":".join(sorted(glob.glob(f"{HERE}/jars/*.jar"))))
        .config("spark.driver.extraJavaOptions", "-Djdk.net.hosts.file=" + os.environ["HOSTS"])
    )
    for name, value in oss.items():
        builder = builder.config("spark.hadoop.fs.oss." + name, value)
    return builder.getOrCreate()


def refused(spark, **changed):
    """Open the bucket anew with other settings."""
    java = spark._jvm
    conf = java.org.apache.hadoop.conf.Configuration(spark._jsc.hadoopConfiguration())
    for name, value in changed.items():
        conf.set("fs.oss." + name, value)
    try:
        fs = java.org.apache.hadoop.fs.FileSystem.newInstance(java.java.net.URI(f"oss://{TOLD['OSS_BUCKET']}/"), conf)
        fs.listStatus(java.org.apache.hadoop.fs.Path("/" + PREFIX))
    except Exception as error:
        for line in str(error).splitlines():
            if "[ErrorCode]: " in line:
                return line.split("[ErrorCode]: ")[1].strip()
        return str(error)
    return "answered"


def main():
    spark = session()
    root = f"oss://{TOLD['OSS_BUCKET']}/{PREFIX}"
    java = spark._jvm
    fs = java.org.apache.hadoop.fs.FileSystem.get(java.java.net.URI(root), spark._jsc.hadoopConfiguration())
    files, listed = fs.listFiles(java.org.apache.hadoop.fs.Path(root), True), {}
    while files.hasNext():
        status = files.next()
        listed[status.getPath().toUri().getPath()[1:]] = status.getLen()
    folders = [s.getPath().toUri().getPath()[1:] + "/" for s in fs.listStatus(java.org.apache.hadoop.fs.Path(root)) if s.isDirectory()]
    regions, totals = (spark.read.json(f"{root}{table}/") for table in ("regions", "totals"))
    sums = "count(*)", "sum(protected_data_bytes)", "count(DISTINCT dt)"
    with_part = fs.open(java.org.apache.hadoop.fs.Path(root + "latest.json"))
    with_part.seek(2)
    part = bytes(with_part.read() for _ in range(8)).decode()
    with_part.close()
    print(json.dumps({
        "version": f"{pyspark.__version__}, hadoop-aliyun {java.org.apache.hadoop.util.VersionInfo.getVersion()}",
        "sizes": listed,
        "folders": sorted(folders),
        "range": part,
        "regions": list(regions.selectExpr(*sums).first()),
        "totals": list(totals.selectExpr(*sums).first()),
        "wrong_secret": refused(spark, accessKeySecret="wrong"),
        "wrong_region": refused(spark, region=WRONG_REGION),
        "signed_v1": refused(spark, signatureversion="V1"),
    }))
    spark.stop()


main()
