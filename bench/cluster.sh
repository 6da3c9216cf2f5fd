#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures clusters on loopback addresses: what replication costs, how much of the data moves when a
# node joins or leaves, how fast it moves, and what clients notice of it. Two clusters run beside each
# other and take turns, for ratios; figures stand beside their limits. RECORDS and SECONDS_EACH
# shorten it. Fails when a limit is missed.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=${BUILD:-build}/bin
records=${RECORDS:-1000000}
seconds=${SECONDS_EACH:-3}
rounds=${ROUNDS:-3}
folder=$(mktemp -d)
misses=0
declare -A pid

load_cpus=() server_cpus=()
mapfile -t cpus < <(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status | tr ',' '\n' |
    awk -F- '{ for (i = $1; i <= $NF; i++) print i }')
if [ "${#cpus[@]}" -gt 1 ]; then
    load_cpus=(taskset -c "${cpus[0]}")
    server_cpus=(taskset -c "$(IFS=, && echo "${cpus[*]:1}")")
fi

stop_all() {
    for node in "${!pid[@]}"; do kill -9 "${pid[$node]}" 2>/dev/null; done
    wait
    rm -rf "$folder"
}
trap stop_all EXIT
trap 'exit 1' INT TERM

# Node N of cluster C has the address 127.1.C.N, so clusters do not meet and ports are the usual ones.
address() { echo "127.1.$1.$2"; }

# start CLUSTER NODE REPLICATION_FACTOR
start() {
    local own file=$folder/$1-$2.conf
    own=$(address "$1" "$2")
    cat >"$file" <<CONF
service {
    cluster-name bench$1
    service-threads 2
}
network {
    service {
        address $own
        port 3000
    }
    fabric {
        address $own
        port 3001
    }
    heartbeat {
        mode mesh
        address $own
        port 3002
        mesh-seed-address-port $(address "$1" 1) 3002
    }
}
namespace test {
    replication-factor $3
    storage-engine memory {
        data-size 2G
    }
}
CONF
    "${server_cpus[@]}" "$bin/ballastd" --config-file "$file" >"$folder/$1-$2.log" 2>&1 &
    pid[$1-$2]=$!
}

asked() { "$bin/ballast" info -h "$(address "$1" "$2")" -v "$3" 2>/dev/null; }
statistic() { asked "$1" "$2" "$3" | tr ';' '\n' | sed -n "s/^$4=//p"; }

# until_formed CLUSTER COUNT: polls until each node sees the cluster of that size at rest.
until_formed() {
    local node end=$((SECONDS + 120))
    for ((node = 1; node <= $2; node++)); do
        [ -n "${pid[$1-$node]:-}" ] || continue
        until [[ $(asked "$1" "$node" "cluster-stable:size=${3:-$2}") =~ ^[0-9A-Fa-f]+$ ]]; do
            [ $SECONDS -lt $end ] || { echo "bench: cluster $1 does not come to rest" >&2; tail "$folder/$1-$node.log" >&2; exit 1; }
            sleep 0.05
        done
    done
}

# CPU ticks of a cluster's nodes.
ticks() {
    local node sum=0
    for node in "${!pid[@]}"; do
        [ "${node%-*}" = "$1" ] && sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/${pid[$node]}/stat")))
    done
    echo "$sum"
}

json() { sed -nE "/\"$1\": \{/,/\}$/s/^ *\"$2\": ([0-9.]+),?$/\1/p" "$3" | head -n 1; }
median() { tr ' ' '\n' <<<"$*" | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }'; }

# verdict FIGURE LIMIT: prints "ok" or "MISSED" and counts.
verdict() {
    if awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; then
        verdict_text="ok"
    else
        verdict_text="MISSED"
        misses=$((misses + 1))
    fi
}

# write_cpu CLUSTER: sets `figure` to the CPU, in us, of one write over all nodes.
write_cpu() {
    local before after count
    before=$(ticks "$1")
    "${load_cpus[@]}" "$bin/ballast" bench -h "$(address "$1" 1)" -w RU,0 -k 100000 -o S:100 -z 32 \
        -t "$seconds" --json >"$folder/load.json" 2>"$folder/load.log" || { cat "$folder/load.log" >&2; exit 1; }
    after=$(ticks "$1")
    count=$(json write records "$folder/load.json")
    figure=$(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v n="$count" \
        'BEGIN { printf "%.2f", t * 1e6 / hz / n }')
}

replication() {
    local alone="" both="" round times node
    for node in 1 2 3; do
        start 1 "$node" 1
        start 2 "$node" 2
    done
    until_formed 1 3
    until_formed 2 3
    for ((round = 0; round < rounds; round++)); do
        write_cpu 1 && alone+=" $figure"
        write_cpu 2 && both+=" $figure"
    done
    # shellcheck disable=SC2086
    alone=$(median $alone) both=$(median $both)
    times=$(ratio "$both" "$alone")
    verdict "$times" 2.6
    echo "A write on three nodes, CPU of all: $alone us unreplicated, $both us on two nodes: $times x (<= 2.6) $verdict_text"
    local proxied=0
    for node in 1 2 3; do
        proxied=$((proxied + $(statistic 2 "$node" namespace/test client_proxy_complete)))
    done
    verdict "$proxied" 0
    echo "Operations that nodes passed on, for a client that knows the map: $proxied (0) $verdict_text"
    for node in 1 2 3; do
        kill -9 "${pid[1-$node]}" "${pid[2-$node]}"
        wait "${pid[1-$node]}" "${pid[2-$node]}" 2>/dev/null
        unset "pid[1-$node]" "pid[2-$node]"
    done
}

received() {
    local node sum=0
    for ((node = 1; node <= $2; node++)); do
        [ -n "${pid[$1-$node]:-}" ] || continue
        sum=$((sum + $(statistic "$1" "$node" namespace/test migrate_record_receives)))
    done
    echo "$sum"
}

# Time until a node that was just started is in the view of the first, and until all is at rest.
join() {
    local cluster=$1 node=$2 begin in_map done_at before after moved share limit
    before=$(received "$cluster" $((node - 1)))
    start "$cluster" "$node" 2
    begin=$(date +%s%N)
    until [ "$(statistic "$cluster" 1 statistics cluster_size)" = "$node" ]; do :; done
    in_map=$((($(date +%s%N) - begin) / 1000000))
    until_formed "$cluster" "$node"
    done_at=$((($(date +%s%N) - begin) / 1000000))
    after=$(received "$cluster" "$node")
    moved=$((after - before))
    share=$(awk -v m="$moved" -v r="$records" 'BEGIN { printf "%.4f", m / (2 * r) }')
    limit=$(awk -v n="$node" 'BEGIN { printf "%.4f", 1.1 / n }')
    verdict "$in_map" 1000
    echo "Node $node joins: in the map after $in_map ms (<= 1000, its start included) $verdict_text"
    verdict "$share" "$limit"
    echo "  moved $moved of $((2 * records)) copies, share $share (<= $limit) $verdict_text"
    rate=$(awk -v m="$moved" -v t=$((done_at - in_map)) 'BEGIN { printf "%.0f", m * 1000 / (t > 0 ? t : 1) }')
    moved_ms=$((done_at - in_map))
}

movement() {
    local node alone beside times before after moved share
    for node in 1 2 3; do start 3 "$node" 2; done
    until_formed 3 3
    "${load_cpus[@]}" "$bin/ballast" bench -h "$(address 3 1)" -w I -k "$records" -o S:100 -z 32 \
        >"$folder/load.log" 2>&1 || { cat "$folder/load.log" >&2; exit 1; }
    join 3 4
    verdict 150000 "$rate"
    echo "  in $moved_ms ms, without load: $rate records/s (>= 150000) $verdict_text"

    # A node that leaves: what it held goes to the others.
    before=$(received 3 3)
    kill -TERM "${pid[3-4]}"
    wait "${pid[3-4]}"
    unset "pid[3-4]"
    until_formed 3 3
    after=$(received 3 3)
    moved=$((after - before))
    share=$(awk -v m="$moved" -v r="$records" 'BEGIN { printf "%.4f", m / (2 * r) }')
    verdict "$share" 0.275
    echo "Node 4 leaves: moved $moved copies, share $share (<= 0.2750) $verdict_text"

    "${load_cpus[@]}" "$bin/ballast" bench -h "$(address 3 1)" -w RU,80 -k "$records" -o S:100 -z 8 -g 10000 \
        -t 5 --json >"$folder/load.json" 2>"$folder/load.log"
    alone=$(json write p99 "$folder/load.json")
    "${load_cpus[@]}" "$bin/ballast" bench -h "$(address 3 1)" -w RU,80 -k "$records" -o S:100 -z 8 -g 10000 \
        -t 8 --json >"$folder/beside.json" 2>"$folder/load.log" &
    local load=$!
    join 3 4
    wait "$load"
    beside=$(json write p99 "$folder/beside.json")
    times=$(ratio "$beside" "$alone")
    verdict "$times" 2
    echo "  in $moved_ms ms beside 10,000 operations/s ($rate records/s); p99 of writes $alone us alone, $beside us beside: $times x (<= 2) $verdict_text"
}

replication
movement
[ "$misses" -eq 0 ] || echo "$misses limits missed"
[ "$misses" -eq 0 ]
