// Command bench measures the packaged function against the stand-ins, over TLS
// and a network whose round trip is injected.
//
//	bench cold FUNCTION MINIMAL PLAIN [RUNS]
//	bench fleet FUNCTION [ACCOUNTS]...
//	bench years FUNCTION [RUNS]
//	bench rebuild FUNCTION
//	bench instructions FUNCTION PLAIN [PROGRAM]...
//	bench again PROGRAM [DAYS]
//	bench trace FUNCTION
//	bench feed [-days N] [-accounts N] [-regions N] [-dir FOLDER] PYTHON
//
// Cold starts it many times as Function Compute does, in turn with the smallest
// function on the same SDKs and with the least that the standard library needs
// for the same snapshot, and prints medians. Fleet runs it once for each number
// of accounts. Years runs it in buckets of a day, a year and ten years. Rebuild
// derives ten years again, with a tenth of a core and a minute for each try, and
// one day of a thousand accounts. Instructions counts those of cold starts, with
// valgrind, of the function, the plain program and others, such as the function of
// another commit. Again plays the same days twice, with the program that has the
// stand-ins in it. Trace prints when the requests of two cold starts arrive. Feed
// generates ten years of a thousand accounts, and runs the statements of report/schema
// on it with DuckDB and Spark, beside their former ones.
//
// Each prints what is wanted of its figures, and fails where one is missed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	trust, err := newTrust()
	if err != nil {
		return err
	}
	defer trust.close()
	switch {
	case len(args) >= 4 && args[0] == "cold":
		runs, err := numbers(args[4:], 20)
		if err != nil {
			return err
		}
		return cold(ctx, trust, args[1], args[2], args[3], runs[0])
	case len(args) >= 2 && args[0] == "fleet":
		sizes, err := numbers(args[2:], 1000, 10000)
		if err != nil {
			return err
		}
		return fleet(ctx, trust, args[1], sizes)
	case len(args) >= 2 && args[0] == "years":
		runs, err := numbers(args[2:], 400)
		if err != nil {
			return err
		}
		return years(ctx, trust, args[1], runs[0])
	case len(args) == 2 && args[0] == "rebuild":
		return rebuild(ctx, trust, args[1])
	case len(args) >= 3 && args[0] == "instructions":
		return instructions(ctx, trust, args[1:], 5)
	case len(args) == 2 && args[0] == "trace":
		return trace(ctx, trust, args[1])
	case len(args) >= 1 && args[0] == "feed":
		return feed(ctx, args[1:])
	case len(args) >= 2 && args[0] == "again":
		days, err := numbers(args[2:], 90)
		if err != nil {
			return err
		}
		return again(ctx, args[1], days[0])
	}
	return errors.New("arguments: want cold FUNCTION MINIMAL PLAIN [RUNS], fleet FUNCTION [ACCOUNTS], years FUNCTION [RUNS], " +
		"rebuild FUNCTION, instructions FUNCTION PLAIN [PROGRAM]..., again PROGRAM [DAYS], trace FUNCTION, or feed PYTHON")
}

func numbers(args []string, fallback ...int) (numbers []int, err error) {
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q: want a number from 1", arg)
		}
		numbers = append(numbers, n)
	}
	if numbers == nil {
		return fallback, nil
	}
	return numbers, nil
}
