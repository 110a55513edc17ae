// Program filters writes the system call filters of runsc in compiled form, as gVisor's own releases have them and its Go module has not: without them every
// sandbox and every gofer compiles its own while it starts.
//
//	filters MODULE TARGET    of the module in the directory MODULE, into the copy of it in the directory TARGET
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gvisor.dev/gvisor/pkg/seccomp/precompiledseccomp"
	sandbox "gvisor.dev/gvisor/runsc/boot/filter/config"
	gofer "gvisor.dev/gvisor/runsc/fsgofer/filter/config"
)

// Where gVisor's own build puts them.
const empty = "\tprograms := make(map[string]precompiledseccomp.Program)\n"

// What Berth starts no sandbox with: each doubles their number.
var unused = []string{
	`Platform="kvm"`, `Platform="slimvm"`, `Platform="ptrace"`,
	"HostNetwork=true", "NVProxy=true", "TPUProxy=true", "RDMAProxy=true", "PluginNetwork=true",
	"CgoEnabled=true", "ProfileEnable=true", "ProfileEnabled=true", "Instrumentation=true", "ExtraRules=true",
}

func main() {
	if len(os.Args) != 3 {
		check(fmt.Errorf("usage: filters MODULE TARGET"))
	}
	module, target := os.Args[1], os.Args[2]
	check(write(module, target, "runsc/boot/filter/filter_precompiled.go", sandbox.PrecompiledPrograms))
	check(write(module, target, "runsc/fsgofer/filter/filter_precompiled.go", gofer.PrecompiledPrograms))
}

func write(module, target, name string, programs func() ([]precompiledseccomp.Program, error)) error {
	source, err := os.ReadFile(filepath.Join(module, name))
	if err != nil {
		return err
	}
	if strings.Count(string(source), empty) != 1 {
		return fmt.Errorf("%s has no one place for compiled filters", name)
	}
	all, err := programs()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(program precompiledseccomp.Program) bool { return isUnused(program.Name) })
	if len(all) == 0 {
		return fmt.Errorf("no filter is left for %s", name)
	}
	slices.SortFunc(all, func(one, other precompiledseccomp.Program) int { return strings.Compare(one.Name, other.Name) })
	var registered strings.Builder
	for _, program := range all {
		registered.WriteString(program.Registration("\t", "precompiledseccomp", "programs"))
	}
	return os.WriteFile(filepath.Join(target, name), []byte(strings.Replace(string(source), empty, empty+registered.String(), 1)), 0o644)
}

func isUnused(name string) bool {
	return slices.ContainsFunc(unused, func(part string) bool { return strings.Contains(name, part) })
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "filters:", err)
		os.Exit(1)
	}
}
