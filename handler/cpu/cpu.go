// Package cpu spares some of it, and tells how much the process had.
package cpu
