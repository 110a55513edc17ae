# ./berth test: every check, one after another, each with its own line; the last line counts them. Sourced by ./berth.

passed=0
failed=0
readonly test_report=${TMPDIR:-/tmp}/berth-test.$$

# run_tests [unit|integration|all|fresh|machine]
run_tests() {
  local what=${1:-all}
  shift || true
  case $what in
    unit | integration | all)
      check_root test
      readable_checkout "$what" "$@"
      setup test
      install_test_packages
      with_setup_lock install_test_archives
      [[ $what == integration ]] || with_setup_lock install_versitygw
      ;;
    fresh) run_fresh "$@"; return ;;
    machine) run_machine "$@"; return ;;
    *) die "unknown tests: $what" './berth test [unit|integration|all|fresh|machine]' ;;
  esac
  mkdir -p "$test_report"
  trap 'rm -rf "$test_report"' EXIT
  cd "$berth_home"
  export BERTH_TEST_COMPLETE=1 NO_COLOR=1 PATH="$(dirname "$node"):$(rust_bin || true):$PATH" CARGO_TARGET_DIR="$BERTH_CACHE/target"
  [[ $what == integration ]] || run_unit "$@"
  [[ $what == unit ]] || run_integration "$@"
  say ''
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

# readable_checkout WORD…: the server is tested as the unprivileged account it runs as, which must be able to read this checkout. Where it lies
# in a closed directory, the tests go on in a mount namespace that shows it in an open one.
readable_checkout() {
  local directory=$berth_home place=/run/berth-checkout
  while [[ $directory != / ]]; do
    if [[ ! $(stat -c %a "$directory") =~ [1357]$ ]]; then
      mkdir -p "$place"
      exec unshare --mount --propagation slave bash -c \
        'mount --bind "$1" "$2" && place=$2 && shift 2 && cd "$place" && exec ./berth test "$@"' bash "$berth_home" "$place" "$@"
    fi
    directory=$(dirname "$directory")
  done
}

# install_test_packages: what only tests need.
install_test_packages() {
  local missing=()
  [[ -x /usr/bin/python3 ]] || missing+=(python3)
  /usr/bin/python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  ((${#missing[@]} == 0)) ||
    with_setup_lock step "installing packages for tests: ${missing[*]}" 'is a Debian mirror reachable? try: apt-get update' apt_install "${missing[@]}"
}

# What tests look into without installing it: a registry (whose package would start a service), a user land without bash, a libc that is not Debian's.
readonly test_archives=(docker-registry busybox-static musl)

# install_test_archives: unpacked side by side; whole or not at all.
install_test_archives() {
  export BERTH_TEST_PACKAGES=$BERTH_CACHE/test-packages/$(hash_of_text "${test_archives[*]}")
  [[ -d $BERTH_TEST_PACKAGES ]] || step "fetching packages for tests: ${test_archives[*]}" 'is a Debian mirror reachable? try: apt-get update' fetch_test_archives
}

fetch_test_archives() {
  local temporary="$BERTH_CACHE/test-packages/.partial.$$" archive
  rm -rf "$BERTH_CACHE/test-packages"
  mkdir -p "$temporary/root"
  chmod 755 "$BERTH_CACHE/test-packages" "$temporary" "$temporary/root"
  (
    cd "$temporary"
    apt-get download -o APT::Sandbox::User=root "${test_archives[@]}" || { apt-get update && apt-get download -o APT::Sandbox::User=root "${test_archives[@]}"; }
    for archive in *.deb; do dpkg-deb --extract "$archive" root; done
  )
  mv "$temporary/root" "$BERTH_TEST_PACKAGES"
  rm -rf "$temporary"
}

# has_runsc: without it the tests of the grade gvisor would be left out unnoticed.
has_runsc() {
  [[ -n ${BERTH_RUNSC:-} ]] && return
  printf 'no runsc: %s\n' "${BERTH_RUNSC_MISSING:-}"
  return 1
}

run_unit() {
  check 'runsc, for the tests of the grade gvisor' has_runsc
  install_rust
  check 'format and lint' "$node" node_modules/@biomejs/biome/bin/biome check .
  check 'types' "$node" node_modules/typescript/bin/tsc -p tsconfig.json --noEmit
  check 'import direction' "$node" node_modules/dependency-cruiser/bin/dependency-cruiser.mjs --config .dependency-cruiser.mjs packages/{contract,server,host,cli}/src packages/guest/protocol
  check 'sizes of files' file_sizes
  check 'shell syntax' bash -n berth scripts/*.sh packages/host/images/*/*.sh
  if cargo fmt --version >/dev/null 2>&1; then check 'Rust format' cargo fmt --all --check; fi
  if cargo clippy --version >/dev/null 2>&1; then check 'Rust lint' cargo clippy --locked --workspace --all-targets --quiet -- -D warnings; fi
  cargo_tests 'Rust tests' --workspace
  vitest_tests 'unit tests' "$@"
}

run_integration() { vitest_tests 'integration tests' --config test/vitest.config.ts "$@"; }

# check WHAT COMMAND…: a check that passes or fails as one.
check() {
  local what=$1 begin end
  shift
  now_ms begin
  if "$@" >"$test_report/output" 2>&1 </dev/null; then
    passed=$((passed + 1))
    now_ms end
    say "${say_green}ok${say_off}     $what ($(seconds $((end - begin))))"
  else
    failed=$((failed + 1))
    tail -n 60 "$test_report/output" >&2
    say "${say_red}FAILED${say_off} $what"
  fi
}

# file_sizes: no source file has more than 500 lines.
file_sizes() {
  local long
  long=$(git ls-files -z -- '*.ts' '*.rs' '*.sh' '*.py' berth ':!**/generated/**' | xargs -0 wc -l | awk '$1 > 500 && $2 != "total"')
  [[ -z $long ]] || { printf '%s\n' "$long"; return 1; }
}

# cargo_tests WHAT ARGUMENT…: the counts are those of cargo's own summary lines.
cargo_tests() {
  local what=$1 status=0 good bad
  shift
  say "       $what …"
  cargo test --locked --quiet "$@" >"$test_report/output" 2>&1 </dev/null || status=$?
  good=$(sed -n 's/^test result: .* \([0-9]*\) passed.*/\1/p' "$test_report/output" | paste -sd+ | sed 's/^$/0/')
  bad=$(sed -n 's/^test result: .* \([0-9]*\) failed.*/\1/p' "$test_report/output" | paste -sd+ | sed 's/^$/0/')
  count "$what" "$((good))" "$((bad))" "$status"
}

# Files whose tests run only when a variable asks for them.
readonly only_when_asked=(packages/host/test/local-builds-bases.test.ts)

# vitest_tests WHAT ARGUMENT…: the counts are those of its JSON report; a test that was left out has failed.
vitest_tests() {
  local what=$1 status=0 good=0 bad=0 asked=('')
  shift
  say "       $what …"
  "$node" node_modules/vitest/vitest.mjs run --reporter=default --reporter=json --outputFile.json="$test_report/report.json" "$@" \
    >"$test_report/output" 2>&1 </dev/null || status=$?
  if [[ -f $test_report/report.json ]]; then
    # With -t most tests are left out because that is wanted.
    [[ " $* " == *' -t '* ]] || asked=("${only_when_asked[@]}")
    read -r good bad < <("$node" scripts/test-report.ts "$test_report/report.json" "${asked[@]}" 2>>"$test_report/output")
    rm -f "$test_report/report.json"
  fi
  count "$what" "$good" "$bad" "$status"
}

# count WHAT PASSED FAILED STATUS: a run that fails without a failed test is a failure all the same.
count() {
  local bad=$3
  (($4 != 0 && bad == 0)) && bad=1
  passed=$((passed + $2))
  failed=$((failed + bad))
  if ((bad)); then
    tail -n 150 "$test_report/output" >&2
    say "${say_red}FAILED${say_off} $1: $2 passed, $bad failed"
  else
    say "${say_green}ok${say_off}     $1: $2 passed"
  fi
}
