//go:build function

// Package local is empty in the build that ships to Function Compute, which has
// no use for stand-ins.
package local

import (
	"context"
	"errors"
	"io"
)

// Main says where the command "local" is.
func Main(context.Context, []string, io.Writer, io.Writer) error {
	return errors.New("local: this is the build for Function Compute, without stand-ins: want the one that go build makes, or make run")
}
