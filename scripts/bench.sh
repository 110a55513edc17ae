# ./berth bench: each benchmark against the Berth that RUNLOOP_BASE_URL names, or the one on this machine. Sourced by ./berth.

readonly all_benches='create exec-latency exec-throughput transfer objects burst idle pool snapshot gvisor memory fork sleepers build image-boot code-mount agents'

# run_benches [NAME…] [--json]
run_benches() {
  local wanted=() options=() word
  for word in "$@"; do
    case $word in
      -*) options+=("$word") ;;
      *)
        [[ -f $berth_home/bench/$word.ts ]] || die "no benchmark '$word'" "there are: $all_benches"
        wanted+=("$word")
        ;;
    esac
  done
  ((${#wanted[@]})) || read -ra wanted <<<"$all_benches"
  check_root bench
  setup_client
  command -v nginx >/dev/null || [[ -x /usr/sbin/nginx ]] || step 'installing nginx, the peer of the transfer benchmark' 'see the log' apt_install nginx-light
  if [[ -z ${RUNLOOP_BASE_URL:-} ]]; then
    "$node" "$berth_home/packages/cli/src/main.ts" status >/dev/null || die 'Berth is not up' './berth up --detach starts it'
    eval "$("$node" "$berth_home/packages/cli/src/main.ts" env)"
    [[ -n ${RUNLOOP_BASE_URL:-} ]] || exit 1
  fi
  for word in "${wanted[@]}"; do
    "$node" "$berth_home/bench/$word.ts" "${options[@]}"
  done
}
