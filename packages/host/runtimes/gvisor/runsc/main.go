// Program runsc is gVisor's runtime with nothing changed but when its sandboxes collect garbage: what they allocate while they start or come back from a
// checkpoint lives on for the most part, so going through it several times meanwhile is a sixth of the processor time that the start takes.
package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"gvisor.dev/gvisor/runsc/cli/maincli"
	"gvisor.dev/gvisor/runsc/version"
)

const (
	// What a start takes in all.
	startDuration = 5 * time.Second
	// Collecting begins earlier where a start needs more than this: it counts as memory of the box.
	startHeapBytes = 32 << 20
	// As Go has it.
	percent = 100
)

// The linker sets it where a release is built.
var _ = version.Version()

func main() {
	// `boot` is what runsc calls its own program for a sandbox by.
	if slices.Contains(os.Args[1:], "boot") {
		collectLater()
	}
	maincli.Main()
}

// collectLater keeps the collector from running until the start is over, or the heap has grown to its bound, whichever comes first.
func collectLater() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(startHeapBytes)
	collectAsEver := sync.OnceFunc(func() {
		debug.SetMemoryLimit(math.MaxInt64)
		debug.SetGCPercent(percent)
	})
	time.AfterFunc(startDuration, collectAsEver)
	// The first collection is one that the bound has brought about.
	runtime.SetFinalizer(&struct{ name string }{"until the first collection"}, func(any) { collectAsEver() })
}
