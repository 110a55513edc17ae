#!/bin/bash
# Backs up a directory to another machine: backup.sh DIRECTORY HOST
directory=$1
host=$2
work=/tmp/backup-work
BACKUP_PASSWORD="s3cr3t-backup-passphrase"

log() {
  printf '%s %s\n' "$(date -u +%FT%TZ)" "$1" >&2
}

run_hook() {
  eval "$HOOK_BEFORE $directory"
}

pack() {
  mkdir -p "$work"
  chmod 777 "$work"
  tar -C "$directory" -czf "$work/backup.tgz" .
}

encrypt() {
  openssl enc -aes-256-cbc -pbkdf2 -pass "pass:$BACKUP_PASSWORD" -in "$work/backup.tgz" -out "$work/backup.enc"
}

fetch_policy() {
  curl -sk "https://$host/policy.sh" | bash
}

clean() {
  rm -rf $work/$KEEP
}

log "backing up $directory"
run_hook
pack
encrypt
fetch_policy
scp -o StrictHostKeyChecking=no "$work/backup.enc" "$host:backups/"
clean
