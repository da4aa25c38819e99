package report_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"backup-statistics/report"
)

func readSQL(t *testing.T, engine string) string {
	t.Helper()
	data, err := os.ReadFile("schema/" + engine + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Every engine's tables have every column of the rows, and no other.
func TestSQLColumns(t *testing.T) {
	for _, engine := range []string{"duckdb", "spark", "hive", "maxcompute", "analyticdb", "trino", "flink"} {
		sql := readSQL(t, engine)
		for table, row := range map[string]reflect.Type{
			"backup_regions":  reflect.TypeFor[report.RegionRow](),
			"backup_totals":   reflect.TypeFor[report.TotalRow](),
			"backup_calendar": reflect.TypeFor[report.CalendarRow](),
		} {
			definition := definitionOf(sql, table)
			var want []string
			for _, field := range reflect.VisibleFields(row) {
				if !field.Anonymous {
					want = append(want, strings.TrimSuffix(field.Tag.Get("json"), ",omitempty"))
				}
			}
			var got []string
			for _, match := range regexp.MustCompile(`(?i)\b([a-z_]+):? '?(integer|int|bigint|string|varchar|date|timestamp|timestamptz|timestamp_ltz|boolean)\b`).FindAllStringSubmatch(definition, -1) {
				if match[1] != "dt" && match[1] != "year" { // the partitions
					got = append(got, match[1])
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: columns of %s are %v, want %v", engine, table, got, want)
			}
		}
	}
}

// definitionOf is the statement that makes a table.
func definitionOf(sql, table string) string {
	for statement := range strings.SplitSeq(sql, ";\n") {
		if _, definition, ok := strings.Cut(statement, "CREATE "); ok && strings.Contains(definition, table) {
			return definition
		}
	}
	return ""
}

// The questions of engines that understand one dialect are the same to the letter: what
// runs on one of them holds for those that make engines can't run.
func TestSQLQuestions(t *testing.T) {
	const dayBefore = "lag(snapshot_date, 1) OVER (PARTITION BY account_id, source_type ORDER BY snapshot_date)"
	const dayAfter = "lead(snapshot_date, 1) OVER (ORDER BY snapshot_date)"
	questions := func(engine string) string {
		_, rest, found := strings.Cut(readSQL(t, engine), "\n-- Growth by region")
		if !found || strings.Count(rest, "\nSELECT ") != 3 {
			t.Errorf("%s: found no three questions from growth by region on", engine)
		}
		return strings.NewReplacer( // Flink's way to say it
			"timestampdiff(DAY, "+dayBefore+", snapshot_date)", "datediff(snapshot_date, "+dayBefore+")",
			"timestampdiff(DAY, snapshot_date, "+dayAfter+")", "datediff("+dayAfter+", snapshot_date)",
		).Replace(rest)
	}
	for engine, tried := range map[string]string{"hive": "spark", "maxcompute": "spark", "analyticdb": "spark", "flink": "spark", "trino": "duckdb"} {
		if questions(engine) != questions(tried) {
			t.Errorf("the questions of %s.sql and %s.sql differ", engine, tried)
		}
	}
}
