// Package report says what the documents mean. It is pure: nothing here reads a
// clock, an environment variable, a file or a network.
//
// All keys are below the deployment's prefix:
//
//	snapshots/dt=DATE/ACCOUNT-TYPE.json   a Snapshot, on one line     written once
//	regions/dt=DATE/regions.jsonl         a RegionRow a line          derived
//	totals/dt=DATE/totals.jsonl           a TotalRow a line           derived
//	days/DATE.json                        the DayRecord, written last derived
//	latest.json                           the newest complete record  derived
//	report/trend.json                     the Trend of all days       derived
//	report/trend.csv, report/index.html   the same for people         derived
//	schema/NAME.v1.schema.json            the JSON Schema of each     derived
//
// What is derived may be deleted: it comes back from the snapshots with equal
// bytes. A snapshot may not, since the service knows no past.
package report
