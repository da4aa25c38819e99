//go:build race

package cpu

// GrowStack does nothing: the race detector notes each byte of it, which takes longer than
// the tests.
func GrowStack() {}
