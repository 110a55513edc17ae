#!/bin/bash
# First process of a build's sandbox: makes one image out of /berth/plan, in the store at /work/graph. Nothing outside trusts what it leaves behind.
# `build.sh ready` is started before there is a plan, and makes ready what it can.
# Ends with 0, or 1: a step failed, 10: the context is no archive that can be unpacked here, 11: an image could not be pulled.
set -uo pipefail
exec </dev/null >/berth/pipes/log 2>&1
umask 022

readonly plan=/berth/plan
given=/berth/given/context steps=$plan/steps
export HOME=/root TMPDIR=/work/tmp LC_ALL=C.UTF-8 _CONTAINERS_USERNS_CONFIGURED=done
mkdir -p /work/tmp /work/context /work/result /run/secret /run/bundles

options=(--isolation oci --runtime /berth/runtime --network host --format docker --layers --force-rm)
# The first use of a store finds out what the kernel can do with it.
[[ ${1:-} != ready ]] || buildah images --quiet &>/dev/null

# take_secrets: from a pipe into memory, up to the line that says that this process is watched and may begin; what runs in the build finds them in its environment (see runtime.sh).
take_secrets() {
  local name value
  while read -r name value; do
    if [[ $name == . ]]; then
      break
    elif [[ $name == - ]]; then
      base64 -d <<<"$value" >/run/environment
    else
      base64 -d <<<"$value" >"/run/secret/$name"
      options+=(--secret "id=$name,src=/run/secret/$name")
    fi
  done </berth/pipes/secrets
}

# unpack DIRECTORY: what was given, as root of this sandbox, who can make no device and owns nothing outside.
unpack() {
  mkdir -p "$1"
  tar --extract --file "$given" --directory "$1" --no-same-owner --same-permissions && return
  echo 'Error: the build context is no tar archive, or holds what cannot be unpacked here'
  exit 10
}

# pull NAME…: so that a registry that is silent ends the build soon, and what a registry says is told from what a step says.
pull() {
  local name status seconds
  seconds=$(<"$plan/pull-seconds")
  for name in "$@"; do
    timeout --kill-after=5 "$seconds" buildah pull --policy missing --quiet "$name" >/dev/null
    status=$?
    ((status == 0)) && continue
    ((status != 124 && status != 137)) || echo "Error: $name was not pulled within $seconds s: its registry is slow or silent"
    exit 11
  done
}

take_secrets
mapfile -d '' -t words <"$plan/options"
options+=("${words[@]}")
# Directories for steps came along: the context, if there is one, is a file among them.
if [[ -e $plan/wrapped ]]; then
  unpack /work/steps
  cp --archive "$plan/steps/." /work/steps/
  given=/work/steps/context steps=/work/steps
fi
# The host's own contexts are directories; they are read where they are.
context=/work/context
if [[ -d $given ]]; then
  context=$given
elif [[ -e $given ]]; then
  unpack /work/context
fi
if [[ -f /work/context/.dockerignore ]]; then
  mv /work/context/.dockerignore /work/dockerignore
  options+=(--ignorefile /work/dockerignore)
fi

[[ ! -e /etc/containers/auth.json ]] || export REGISTRY_AUTH_FILE=/etc/containers/auth.json
mapfile -d '' -t names <"$plan/names"
pull "${names[@]}"
mapfile -d '' -t stage_options <"$plan/stage-options"
buildah build "${options[@]}" "${stage_options[@]}" --file "$plan/Dockerfile" --iidfile /work/stage "$context" || exit 1
stage=$(</work/stage)
printf '%s' "${stage#sha256:}" >/work/result/stage

# What an earlier build has finished in the same way is not done again.
while read -r known image; do
  if [[ $known == "${stage#sha256:}" ]]; then
    printf '%s' "$image" | tee /work/result/finished >/work/result/image
    exit 0
  fi
done <"$plan/finished"

facts=$(buildah inspect --type image --format '{{.OCIv1.Config.User}}|{{index .OCIv1.Config.Labels "io.berth.user"}}' "$stage") || exit 1
printf '%s' "${facts%%|*}" >/work/result/user

# The steps that follow the Dockerfile. What an earlier build has prepared for this very user is not prepared again.
finish=$(<"$plan/finish.Dockerfile")
finish=${finish//@STAGE@/"$stage"}
user=${facts%%|*}
finish=${finish//@USER@/"${user:-root}"}
[[ ${facts#*|} != "$(<"$plan/user")" ]] || finish=$(sed '/^#prepare$/,/^#prepared$/d' <<<"$finish")
if grep -qE '^(RUN|COPY)' <<<"$finish"; then
  printf '%s\n' "$finish" >/work/finish.Dockerfile
  mapfile -d '' -t options < <(printf '%s\0' "${options[@]}" | sed -z '/^--ignorefile$/,+1d')
  buildah build "${options[@]}" --volume "$plan/bin:/.berth:ro" --file /work/finish.Dockerfile --iidfile /work/final "$steps" || exit 1
else
  cp /work/stage /work/final
fi
image=$(</work/final)
buildah inspect --type image "$image" >/work/result/image.json || exit 1
printf '%s' "${image#sha256:}" >/work/result/image
