package report_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
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

// columns are the names of those that a definition gives a type.
func columns(definition string) (names []string) {
	for _, match := range regexp.MustCompile(`(?i)\b([a-z_0-9]+):? '?(integer|int|bigint|string|varchar|date|timestamp|timestamptz|boolean)\b`).FindAllStringSubmatch(definition, -1) {
		names = append(names, match[1])
	}
	return names
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

// The compacted form has every column of the rows, and where it comes from.
func TestSQLCompactColumns(t *testing.T) {
	for _, engine := range []string{"spark", "hive", "maxcompute", "trino"} {
		sql, compact := readSQL(t, engine), readSQL(t, engine+"-compact")
		for _, table := range []string{"regions", "totals"} {
			want := columns(definitionOf(sql, "backup_"+table))
			want = append(slices.DeleteFunc(want, func(name string) bool { return name == "dt" }), "sha256", "month")
			if got := columns(definitionOf(compact, "compact_"+table)); !slices.Equal(got, want) {
				t.Errorf("%s: columns of compact_%s are %v, want %v", engine, table, got, want)
			}
		}
	}
}

// What tells which months to compact, and what checks them, is the same to the letter.
func TestSQLCompactQuestions(t *testing.T) {
	nextPart := regexp.MustCompile(`\n-- [0-9]+\. `) // an engine may have more parts than others
	for engine, tried := range map[string]string{"hive": "spark", "maxcompute": "spark", "trino": "duckdb"} {
		for _, part := range []string{"3. Months to compact", "5. Check"} {
			question := func(engine string) string {
				_, rest, found := strings.Cut(readSQL(t, engine+"-compact"), "\n-- "+part+"\n")
				if !found {
					t.Errorf("%s-compact.sql: found no part %q", engine, part)
				}
				return strings.TrimSpace(nextPart.Split(rest, 2)[0])
			}
			if question(engine) != question(tried) {
				t.Errorf("%q of %s-compact.sql and %s-compact.sql differ", part, engine, tried)
			}
		}
	}
}
