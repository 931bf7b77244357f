#!/bin/sh
# A Docker Engine of its own in the folder $1, until stdin ends: however the test ends, its containers, networks, mounts
# and the folder go too. It touches no firewall rules and has no default bridge, so that it needs no more than root.
folder=$1
export DOCKER_HOST="unix://$folder/docker.sock"
cd /
echo '{"iptables":false,"ip6tables":false,"bridge":"none"}' >"$folder/daemon.json"
(
  dockerd --config-file "$folder/daemon.json" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/docker.pid" --host "$DOCKER_HOST" --storage-driver overlay2 >"$folder/log" 2>&1 </dev/null
  echo "dockerd ended with $?" >>"$folder/log"
) &
cat >/dev/null
containers=$(docker ps --all --quiet 2>/dev/null)
[ -z "$containers" ] || docker rm --force --volumes $containers >/dev/null
docker network prune --force >/dev/null 2>&1
[ ! -f "$folder/docker.pid" ] || kill "$(cat "$folder/docker.pid")"
wait
# Innermost first.
awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | tac | xargs -r umount --lazy
rm -rf "$folder"
