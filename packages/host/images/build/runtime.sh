#!/bin/bash
# The OCI runtime of a build's steps: runc, with the build's secrets added to the environment. The bundle that holds them lies in memory.
set -uo pipefail

words=() bundle='' before=''
for word in "$@"; do
  [[ $before != --bundle ]] || bundle=${#words[@]}
  words+=("$word")
  before=$word
  # A keyring each would count against one quota of the machine.
  [[ $word != create ]] || words+=(--no-new-keyring)
done
if [[ -n $bundle && -e /run/environment ]]; then
  own=$(mktemp -d /run/bundles/XXXXXXXX)
  config=$(<"${words[bundle]}/config.json") secrets=$(</run/environment)
  # The first `"env":[` is the process's; within a string its quotes would be escaped.
  printf '%s' "${config/'"env":['/"\"env\":[$secrets"}" >"$own/config.json"
  words[bundle]=$own
fi
exec runc "${words[@]}"
