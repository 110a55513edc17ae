#!/bin/bash
# Runs in the machine that machine.sh starts: puts everything where it was on the machine outside, and tests. The last line counts.
set -euo pipefail
source /load/settings
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 NO_COLOR=1
export BERTH_HOME=$berth_home BERTH_CACHE BERTH_TEST_PATIENCE=$machine_patience BERTH_TEST_INIT=/load/init
if [[ -x /load/runsc ]]; then export BERTH_RUNSC=/load/runsc; fi
mkdir -p "$berth_home" "$BERTH_CACHE"
mount --bind /load/checkout "$berth_home"
mount --bind /load/cache "$BERTH_CACHE"
exec 2>&1
cd "$berth_home"
source scripts/say.sh
source scripts/test.sh
mkdir -p "$test_report"

# layout_is NAME: this machine has it, and no other.
layout_is() {
  grep -E ' - cgroup2? ' /proc/self/mountinfo || true
  local v1 v2
  v1=$(grep -c ' - cgroup ' /proc/self/mountinfo) v2=$(grep -c ' - cgroup2 ' /proc/self/mountinfo) || true
  case $1 in
    v2) ((v1 == 0 && v2 == 1)) ;;
    v1) ((v1 > 0 && v2 == 0)) ;;
    hybrid) ((v1 > 0 && v2 == 1)) ;;
  esac
}

# helper_tests NAME…: the programs that cargo built outside.
helper_tests() {
  local name status=0
  for name in "$@"; do
    printf '\n%s\n' "$name"
    "/load/helper-tests/$name" || status=$?
  done >"$test_report/output" 2>&1
  good=$(sed -n 's/^test result: .* \([0-9]*\) passed.*/\1/p' "$test_report/output" | paste -sd+ | sed 's/^$/0/')
  bad=$(sed -n 's/^test result: .* \([0-9]*\) failed.*/\1/p' "$test_report/output" | paste -sd+ | sed 's/^$/0/')
  count 'tests of the helper' "$((good))" "$((bad))" "$status"
}

# A Node in a cgroup namespace whose root holds processes, as in a container without an init of its own.
make_contained_node() {
  cat >/usr/local/bin/contained-node <<CONTAINED
#!/bin/bash
set -euo pipefail
group=/sys/fs/cgroup/container-\$\$
mkdir \$group
echo '+cpuset +cpu +memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
echo \$\$ >\$group/cgroup.procs
exec unshare --cgroup --mount bash -c 'umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "\$@"' - $node "\$@"
CONTAINED
  chmod 755 /usr/local/bin/contained-node
}

read -ra words </proc/cmdline
for word in "${words[@]}"; do
  if [[ $word == berth.layout=* ]]; then layout=${word#*=}; fi
done
host_tests=packages/host/test
check "cgroup $layout on Linux $(uname -r)" layout_is "$layout"
helper_tests berth_helper boxes cgroups freezer death
vitest_tests 'tests of the host' vitest.config.ts --project unit $host_tests/local-host $host_tests/local-limits $host_tests/local-recovery $host_tests/gvisor
if [[ $layout == v2 ]]; then
  make_contained_node
  node=/usr/local/bin/contained-node vitest_tests 'limits in a container' vitest.config.ts --project unit $host_tests/local-limits
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
