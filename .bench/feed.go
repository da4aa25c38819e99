package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"time"
)

// feed generates a long history of many accounts, and prints what DuckDB and Spark take
// for the statements that ship, beside those of .bench/before, which know neither the
// calendar nor the compacted form.
func feed(ctx context.Context, args []string) error {
	h := history{last: today() - 1}
	flags := flag.NewFlagSet("feed", flag.ContinueOnError)
	flags.IntVar(&h.days, "days", 3650, "days of history")
	flags.IntVar(&h.accounts, "accounts", 1000, "accounts on each of them")
	flags.IntVar(&h.regions, "regions", 3, "regions of each account")
	dir := flags.String("dir", "", "where the history is written, and stays; a folder that goes away, unless it is named")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("arguments %q: want, after the flags, the Python that has DuckDB and PySpark", flags.Args())
	}
	if *dir == "" {
		temporary, err := os.MkdirTemp("", "bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		*dir = temporary
	}
	began := time.Now()
	if err := h.write(*dir); err != nil {
		return err
	}
	few := history{last: h.last, days: min(h.days, 70), accounts: min(h.accounts, 5), regions: h.regions}
	if err := few.write(filepath.Join(*dir, "few")); err != nil {
		return err
	}
	fmt.Printf("\n%d days, %d accounts, %d rows of regions, generated in %.0f s\n",
		h.days, h.accounts, h.days*h.accounts*h.regions, time.Since(began).Seconds())

	of := make(map[string]statements)
	fmt.Println("step               views    growth   missing   compact       peak   (s of CPU; of Spark, which is warm, s)")
	for _, step := range []string{"duckdb-before", "duckdb-month", "duckdb-years", "duckdb-after", "spark-before", "spark-after"} {
		s, err := ask(ctx, flags.Arg(0), step, *dir)
		if err != nil {
			return err
		}
		of[step] = s
		fmt.Printf("%-14s %9.2f %9.2f %9.2f %9.2f %6.0f MiB\n", step, s.Took["views"], s.Took["growth"], s.Took["missing"], s.Took["compact"], s.peak())
	}

	var w wanted
	growth := func(step string) float64 { return of[step].Took["views"] + of[step].Took["growth"] }
	w.atMost("growth by region with DuckDB, compacted, views and all, to the former statements", growth("duckdb-after")/growth("duckdb-before"), 0.166, " of the CPU")
	w.atMost("growth by region with Spark, compacted, views and all, to the former statements", growth("spark-after")/growth("spark-before"), 0.1, " of the time")
	w.atMost("days missing with DuckDB, to the former statement", of["duckdb-after"].Took["missing"]/of["duckdb-before"].Took["missing"], 0.025, " of the CPU")
	w.atMost("a month compacted with DuckDB", of["duckdb-month"].Took["compact"], 1, " s of CPU")
	w.atMost("peak memory of a month", of["duckdb-month"].peak(), 200, " MiB")
	w.atMost(fmt.Sprintf("peak memory of %d months", of["duckdb-years"].Months), of["duckdb-years"].peak(), 1024, " MiB")
	w.atMost("days that differ from records and calendar once they are compacted", float64(of["duckdb-month"].Differ+of["duckdb-years"].Differ), 0, "")
	for _, step := range []string{"duckdb-after", "spark-before", "spark-after"} {
		same := reflect.DeepEqual(of[step].Answers, of["duckdb-before"].Answers)
		w.is("the answers of "+step+" are those of duckdb-before", same, fmt.Sprint(same))
	}
	return w.err()
}

// statements is what some of them took, and answered.
type statements struct {
	Took    map[string]float64 // in seconds
	Peak    int64              // bytes
	Months  int
	Differ  int
	Answers map[string][][]string
}

func (s statements) peak() float64 { return float64(s.Peak) / (1 << 20) }

func ask(ctx context.Context, python, step, dir string) (s statements, err error) {
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, python, "-B", ".bench/feed.py", step, dir)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &s)
	}
	if err != nil {
		return s, fmt.Errorf("%s feed.py %s: %w: %s", python, step, err, complaints.Bytes()[max(0, complaints.Len()-4000):])
	}
	return s, nil
}
