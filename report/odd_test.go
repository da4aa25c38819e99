package report

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"testing"
)

// oddities are a document with one value changed, each in every way that leaves it of its
// kind: a list without an end, twice the same in it, or nothing; a number that is none,
// below, or beyond; a text that says nothing or too much.
func oddities(t testing.TB, document []byte) (odd [][]byte) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var whole any
	if err := decoder.Decode(&whole); err != nil {
		t.Fatal(err)
	}
	keep := func() {
		data, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		odd = append(odd, data)
	}
	var visit func(value any, set func(any))
	visit = func(value any, set func(any)) {
		var others []any
		switch v := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				visit(v[name], func(other any) { v[name] = other })
			}
		case []any:
			for i := range v {
				visit(v[i], func(other any) { v[i] = other })
			}
			others = []any{[]any{}, append(slices.Clone(v), v...)}
			if len(v) > 1 {
				backward := slices.Clone(v)
				slices.Reverse(backward)
				others = append(others, v[:1], backward)
			}
		case json.Number:
			others = []any{0, -1, int64(math.MaxInt64), int64(math.MinInt64)}
		case string:
			others = []any{"", "1970-01-01", "2099-12-31", "day_missing", "quota_percent", "resources_dropped", "complete"}
		case bool:
			others = []any{!v}
		}
		for _, other := range others {
			set(other)
			keep()
			set(value)
		}
	}
	visit(whole, func(other any) { whole = other })
	return odd
}

// Whatever a stored record says, the next day follows from it, and there is a page: a record
// that contradicts itself costs no run, and no view.
func FuzzRecordGoesOn(f *testing.F) {
	for _, days := range []string{"a=1", "a=9 | a=1", "a=1 b=2 DB:a=1 | ? | a=1 9! | =0", "a=5 | -"} {
		data, err := story(f, "", days).last().Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	full := fullRecord(f)
	bare := full
	bare.Alerts, bare.Closed = []Alert{{Rule: resourcesDropped, Opened: full.SnapshotDate}}, []ClosedAlert{{Alert: Alert{Rule: regionGone}}}
	for _, r := range []DayRecord{full, bare} {
		data, err := r.Encode()
		if err != nil {
			f.Fatal(err)
		}
		for _, odd := range oddities(f, data) {
			f.Add(odd)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeDayRecord(data)
		if err != nil || r.SnapshotDate < 0 || r.SnapshotDate > 30000 {
			return
		}
		p := play(t, "")
		var trend Trend
		trend.Enter(NewDayFacts(r, Figures{}), p.Settings)
		p.links[r.SnapshotDate] = Link{Record: r, Figures: Figures{}}
		for i, spelt := range []string{"a=1", "?", "a=3 2/b=1"} {
			next := p.settle(r.SnapshotDate+Date(i)+1, spelt)
			trend.Enter(NewDayFacts(next.Record, next.Figures), p.Settings)
		}
		stored, err := trend.Encode()
		if err != nil {
			return // an instant that no document holds
		}
		if _, err := DecodeTrend(stored); err != nil {
			t.Fatalf("%q makes a trend that is refused: %v", data, err)
		}
		for _, language := range []string{English, Chinese} {
			readers, news := Readers{Language: language}, News{Date: r.SnapshotDate, Opened: r.Alerts, Closed: r.Closed}
			if err := readers.Page(&bytes.Buffer{}, trend); err != nil {
				t.Fatalf("%q: no page: %v", data, err)
			}
			readers.Message(news)
		}
	})
}
