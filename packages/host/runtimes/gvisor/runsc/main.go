// Program runsc is gVisor's runtime with nothing changed but when its sandboxes collect garbage: what they allocate while they start or come back from a
// checkpoint lives on for the most part, so going through it several times meanwhile is a quarter of the processor time that the start takes.
package main

import (
	"math"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"gvisor.dev/gvisor/runsc/cli/maincli"
	"gvisor.dev/gvisor/runsc/version"
)

const (
	// What a start takes in all.
	startDuration = 5 * time.Second
	// Garbage is collected earlier where a start needs more than this.
	startHeapBytes = 128 << 20
	// As Go has it.
	percent = 100
)

// The linker sets it where a release is built.
var _ = version.Version()

func main() {
	// `boot` is what runsc calls its own program for a sandbox by.
	if slices.Contains(os.Args[1:], "boot") {
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(startHeapBytes)
		time.AfterFunc(startDuration, func() {
			debug.SetMemoryLimit(math.MaxInt64)
			debug.SetGCPercent(percent)
		})
	}
	maincli.Main()
}
