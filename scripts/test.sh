# ./berth test: every check, one after another, each with its own line; the last line counts them. Sourced by ./berth.

passed=0
failed=0
# What the end of the run names: a line for each test that failed, or passed only when it was run again.
unsound=()
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
  ((${#unsound[@]} == 0)) || printf '%s\n' "${unsound[@]}"
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
  vitest_tests 'unit tests' vitest.config.ts "$@"
}

run_integration() { vitest_tests 'integration tests' test/vitest.config.ts "$@"; }

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
    unsound+=("failed: $what")
    say "${say_red}FAILED${say_off} $what"
  fi
}

# file_sizes: no source file has more than 500 lines.
file_sizes() {
  local long
  long=$(git ls-files -z -- '*.ts' '*.rs' '*.sh' '*.py' berth ':!**/generated/**' | xargs -0 wc -l | awk '$1 > 500 && $2 != "total"')
  [[ -z $long ]] || { printf '%s\n' "$long"; return 1; }
}

# cargo_tests WHAT ARGUMENT…: the counts are those of cargo's own summary lines. What fails is run once more, as with vitest_tests.
cargo_tests() {
  local what=$1 status=0 good bad name before=${#unsound[@]} first=()
  shift
  say "       $what …"
  run_cargo "$@" || status=$?
  if ((bad > 0)); then
    mapfile -t first < <(failed_of_cargo)
    words_of_failures >&2
    say "       $what: $((bad)) failed, once more"
    status=0
    run_cargo "$@" || status=$?
    words_of_failures >&2
    for name in "${first[@]}"; do
      failed_of_cargo | grep -qxF -- "$name" || unsound+=("passed only at the second try: $name")
    done
    while read -r name; do unsound+=("failed: $name"); done < <(failed_of_cargo)
  fi
  count "$what" "$((good))" "$((bad))" "$status"
}

# run_cargo ARGUMENT…: sets good and bad of the caller.
run_cargo() {
  local status=0
  cargo test --locked --quiet --no-fail-fast "$@" >"$test_report/output" 2>&1 </dev/null || status=$?
  good=$(sed -n 's/^test result: .* \([0-9]*\) passed.*/\1/p' "$test_report/output" | paste -sd+ | sed 's/^$/0/')
  bad=$(sed -n 's/^test result: .* \([0-9]*\) failed.*/\1/p' "$test_report/output" | paste -sd+ | sed 's/^$/0/')
  return "$status"
}

# words_of_failures: what the tests that failed said, out of all that was said.
words_of_failures() { sed -n '/^---- /,/^test result: FAILED/p' "$test_report/output" | tail -n 200; }

# failed_of_cargo: names of the tests that failed, out of the lists that end the output of each binary.
failed_of_cargo() { sed -n '/^failures:$/,/^test result/s/^    \([^ ]*\)$/\1/p' "$test_report/output" | sort -u; }

# Files whose tests run only when a variable asks for them.
readonly only_when_asked=(packages/host/test/local-builds-bases.test.ts)

# More files with failures than this are not unsteady, but broken: they are not run again.
readonly most_repeated=6

# vitest_tests WHAT CONFIGURATION ARGUMENT…: the counts are those of its JSON report; a test that was left out has failed. In a run of all of them, files with
# failures are run once more, by themselves; what passes only then has passed, and is named at the end.
vitest_tests() {
  local what=$1 configuration=$2 status=0 good=0 bad=0 before=${#unsound[@]} repeat=() asked=() file
  shift 2
  say "       $what …"
  run_vitest report.json "$@" || status=$?
  # With -t most tests are left out because that is wanted.
  if [[ " $* " != *' -t '* ]]; then for file in "${only_when_asked[@]}"; do asked+=(--asked "$file"); done; fi
  if [[ -f $test_report/report.json ]]; then
    read_report "${asked[@]}"
    if (($# == 0 && ${#repeat[@]} > 0 && ${#repeat[@]} <= most_repeated)); then
      tail -n 100 "$test_report/output" >&2
      say "       $what: $bad failed, once more: ${repeat[*]#"$berth_home/"}"
      status=0
      run_vitest again.json "${repeat[@]}" || status=$?
      [[ ! -f $test_report/again.json ]] || read_report --again "$test_report/again.json" "${asked[@]}"
    fi
    rm -f "$test_report"/*.json
  fi
  count "$what" "$good" "$bad" "$status"
}

# run_vitest REPORT ARGUMENT…: output and report of the caller's configuration, in the folder of reports.
run_vitest() {
  local report=$1
  shift
  "$node" node_modules/vitest/vitest.mjs run --config "$configuration" --reporter=default --reporter=json --outputFile.json="$test_report/$report" "$@" \
    >"$test_report/output" 2>&1 </dev/null
}

# read_report ARGUMENT…: sets good, bad and repeat of the caller, and what the end of the run names of it.
read_report() {
  local fact text
  repeat=()
  unsound=("${unsound[@]:0:before}")
  while read -r fact text; do
    case $fact in
      passed) good=$text ;;
      failed) bad=$text ;;
      repeat) repeat+=("$text") ;;
      bad) unsound+=("failed: ${text#"$berth_home/"}") ;;
      unsteady) unsound+=("passed only at the second try: ${text#"$berth_home/"}") ;;
    esac
  done < <("$node" scripts/test-report.ts "$test_report/report.json" "$@")
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
