#!/bin/sh
# Hive 4.0.1 (Maven, org.apache.hive:hive-exec): the SerDe for JSON that vendors' pages
# name, org.apache.hive.hcatalog.data.JsonSerDe, is not in the jar that Hive runs on, so
# a table that names it asks for another jar. What the jar has, under a like name, is
# org.apache.hadoop.hive.serde2.JsonSerDe, and STORED AS JSONFILE means that one.
# It needs a JDK, and fetches 80 MB.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	org.apache.hive.hcatalog.data.JsonSerDe: absent
#	org.apache.hadoop.hive.serde2.JsonSerDe: present
#	JSONFILE means: org.apache.hadoop.hive.serde2.JsonSerDe
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact=org.apache.hive:hive-exec:4.0.1 -DoutputDirectory="$folder" >&2 || exit 2

jar tf hive-exec-4.0.1.jar >classes || exit 2
has() {
	class=$(echo "$1" | tr . /).class
	if grep -qxF "$class" classes; then echo "$1: present"; else echo "$1: absent"; fi
}
now=$(
	has org.apache.hive.hcatalog.data.JsonSerDe
	has org.apache.hadoop.hive.serde2.JsonSerDe
	echo "JSONFILE means: $(javap -c -cp hive-exec-4.0.1.jar org.apache.hadoop.hive.ql.io.JsonFileStorageFormatDescriptor | sed -n 's/.*\/\/ class \(.*SerDe\)$/\1/p' | tr / .)"
)

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "Hive 4.0.1:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
