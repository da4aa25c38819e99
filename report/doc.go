// Package report says what the documents mean. It is pure: nothing here reads a
// clock, an environment variable, a file or a network.
//
// All keys are below the deployment's prefix:
//
//	snapshots/dt=DATE/ACCOUNT-TYPE.json   a Snapshot, on one line     written once
//	regions/dt=DATE/regions.jsonl         a RegionRow a line          derived
//	totals/dt=DATE/totals.jsonl           a TotalRow a line           derived
//	days/DATE.json                        the DayRecord, which vouches derived
//	                                      for all of the above
//	latest.json                           the newest complete record  derived
//	calendar/year=YEAR/calendar.jsonl     a CalendarRow a line        a view
//	report/trend.json                     the Trend, bounded          a view
//	report/trend.csv                      a row a day, all of them    a view
//	report/index.html                     the page, for people        a view
//	schema/NAME.vN.schema.json            the JSON Schema of each     derived
//
// What is derived may be deleted: it comes back from the snapshots with equal
// bytes. A snapshot may not, since the service knows no past.
//
// A day is a link of a chain: [Settle] makes it of its own snapshots, the record of the
// day before, and the last numbers of each account. Nothing else is state. The views
// are made of the records, and whatever is damaged among them is made again.
package report
