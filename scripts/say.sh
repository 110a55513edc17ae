# What the launcher says: steps with their time, warnings, errors with a hint. Sourced by ./berth.

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
  readonly say_bold=$'\e[1m' say_dim=$'\e[2m' say_red=$'\e[31m' say_green=$'\e[32m' say_yellow=$'\e[33m' say_off=$'\e[0m'
else
  readonly say_bold='' say_dim='' say_red='' say_green='' say_yellow='' say_off=''
fi

# say TEXT: one plain line on standard error (standard output belongs to the command).
say() { printf '%s\n' "$*" >&2; }

# warn TEXT
warn() { printf '%s! %s%s\n' "$say_yellow" "$*" "$say_off" >&2; }

# die MESSAGE [HINT]: ends the launcher with status 1.
die() {
  printf '%sberth: %s%s\n' "$say_red" "$1" "$say_off" >&2
  [[ -n ${2:-} ]] && printf '       %s\n' "$2" >&2
  exit 1
}

# now_ms: monotonic milliseconds, without a fork.
now_ms() {
  local up _
  read -r up _ </proc/uptime
  printf -v "$1" '%d' "$((10#${up%.*} * 1000 + 10#${up#*.} * 10))"
}

# seconds MILLISECONDS: "12.3 s"
seconds() { printf '%d.%d s' "$(($1 / 1000))" "$(($1 % 1000 / 100))"; }

# step WHAT HINT COMMAND…: runs the command with its output in the set-up log, tells what it does and how long it took.
# On a terminal the newest log line is shown while it works. A failure shows the end of the log and the hint, and ends the launcher.
step() {
  local what=$1 hint=$2 log="$BERTH_CACHE/setup.log" begin end status=0 pid offset
  shift 2
  mkdir -p "$BERTH_CACHE"
  [[ -f $log && $(stat -c %s "$log") -gt 8388608 ]] && mv -f "$log" "$log.1"
  printf '\n== %s: %s\n' "$(date -u +%FT%TZ)" "$what" >>"$log"
  offset=$(stat -c %s "$log")
  now_ms begin
  if [[ -t 2 ]]; then
    (set -euo pipefail; "$@") >>"$log" 2>&1 </dev/null &
    pid=$!
    follow_step "$pid" "$what" "$log" "$begin"
    wait "$pid" || status=$?
    printf '\r\e[K' >&2
  else
    say "  … $what"
    (set -euo pipefail; "$@") >>"$log" 2>&1 </dev/null &
    wait $! || status=$?
  fi
  now_ms end
  if ((status != 0)); then
    tail -c +"$((offset + 1))" "$log" | tail -n 25 | sed 's/^/    /' >&2
    say "    (all of it: $log)"
    die "$what: failed after $(seconds $((end - begin)))" "$hint"
  fi
  printf '  %s✓%s %s %s(%s)%s\n' "$say_green" "$say_off" "$what" "$say_dim" "$(seconds $((end - begin)))" "$say_off" >&2
}

# follow_step PID WHAT LOG BEGIN_MS: one line that is rewritten while the process works.
follow_step() {
  local pid=$1 what=$2 log=$3 begin=$4 now line width
  trap 'kill "$pid" 2>/dev/null; printf "\n" >&2; exit 130' INT
  while kill -0 "$pid" 2>/dev/null; do
    now_ms now
    width=$(($(tput cols 2>/dev/null || echo 80) - ${#what} - 18))
    line=$(tail -c 400 "$log" | tr '\r' '\n' | tr -cd '[:print:]\n' | grep -v '^ *$' | tail -n 1) || line=''
    ((width < 8)) && width=8
    printf '\r\e[K  … %s %s %s%s%s' "$what" "$(seconds $((now - begin)))" "$say_dim" "${line:0:width}" "$say_off" >&2
    sleep 0.3
  done
  trap - INT
}
