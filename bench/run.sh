#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures ballastd beside a server that does nothing, Redis and memcached, each as it starts by
# default, all on loopback, and says how each figure stands to its limit. Rounds are interleaved and
# medians taken, because absolute figures drift with the machine; ratios do not. The load has a core
# of its own and the server under load all others: whether the kernel puts both on one core or on two
# changes the cost of a wakeup by half, and must not be left to chance. Under 5 minutes.
# ROUNDS and SECONDS_EACH shorten or lengthen it. Fails when a limit is missed.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=${BUILD:-build}/bin
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-2}
records=1000000
folder=$(mktemp -d)
misses=0
declare -A pid port results dialect=([nothing]=as [ballastd]=as [redis]=redis [memcached]=memcached)
servers="nothing ballastd redis memcached"

# Prefixes that keep load and server apart, where this process may use more than one core.
load_cpus=() server_cpus=()
mapfile -t cpus < <(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status | tr ',' '\n' |
    awk -F- '{ for (i = $1; i <= $NF; i++) print i }')
if [ "${#cpus[@]}" -gt 1 ]; then
    load_cpus=(taskset -c "${cpus[0]}")
    server_cpus=(taskset -c "$(IFS=, && echo "${cpus[*]:1}")")
fi

stop() {
    [ -n "${pid[$1]:-}" ] || return 0
    kill "${pid[$1]}" 2>/dev/null
    wait "${pid[$1]}" 2>/dev/null
    unset "pid[$1]"
}
stop_all() {
    for server in $servers; do stop "$server"; done
    rm -rf "$folder"
}
trap stop_all EXIT
trap 'exit 1' INT TERM

# The program and options that serve on port $2, as words in `command`.
command_of() {
    case $1 in
    nothing) command=("$bin/bench_null" "$2") ;;
    ballastd)
        cat >"$folder/ballast.conf" <<CONF
network {
    service {
        address 127.0.0.1
        port $2
    }
    fabric {
        address 127.0.0.1
        port $("$bin/bench_load" port)
    }
    heartbeat {
        mode mesh
        address 127.0.0.1
        port $("$bin/bench_load" port)
    }
    info {
        address 127.0.0.1
        port $("$bin/bench_load" port)
    }
}
namespace test {
    replication-factor 1
    storage-engine memory {
        data-size 4G
    }
}
CONF
        command=("$bin/ballastd" --config-file "$folder/ballast.conf")
        ;;
    redis) command=(redis-server --bind 127.0.0.1 --port "$2" --save "" --appendonly no --dir "$folder") ;;
    memcached)
        command=(memcached -l 127.0.0.1 -p "$2" -m 1024)
        [ "$(id -u)" -ne 0 ] || command+=(-u nobody)
        ;;
    esac
}

start() {
    port[$1]=$("$bin/bench_load" port)
    command_of "$1" "${port[$1]}"
    "${server_cpus[@]}" "${command[@]}" >"$folder/$1.log" 2>&1 &
    pid[$1]=$!
    "$bin/bench_load" wait "${dialect[$1]}" port="${port[$1]}" && return
    echo "bench: $1 does not start:" >&2
    cat "$folder/$1.log" >&2
    exit 1
}

# load SERVER NAME name=value...: runs the load and sets `figure` to the value called NAME.
load() {
    local server=$1 name=$2 line
    shift 2
    line=$("${load_cpus[@]}" "$bin/bench_load" load "${dialect[$server]}" port="${port[$server]}" \
        pid="${pid[$server]}" "$@") || { echo "bench: $server: $line" >&2; exit 1; }
    figure=$(value_of "$name" "$line")
}

value_of() { sed -nE "s/.*(^| )$1=([0-9.]+).*/\2/p" <<<"$2"; }
resident_kb() { awk '/^VmRSS:/ { print $2 }' "/proc/${pid[$1]}/status"; }

# Resident memory once it no longer changes: heaps give freed pages back after a moment.
settled_kb() {
    local before after
    after=$(resident_kb "$1")
    for ((i = 0; i < 10; i++)); do
        before=$after
        sleep 1
        after=$(resident_kb "$1")
        [ "$before" -ne "$after" ] || break
    done
    echo "$after"
}

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

speed() {
    local server row read in_flight limit name times best
    declare -A medians
    for server in $servers; do
        start "$server"
        load "$server" operations fill=1 in_flight=16
    done
    for ((round = 0; round < rounds; round++)); do
        for row in "100 1" "0 1" "100 16" "0 16"; do
            read -r read in_flight <<<"$row"
            for server in $servers; do
                load "$server" server_us read_pct="$read" in_flight="$in_flight" seconds="$seconds"
                results[$server $row]+=" $figure"
            done
        done
    done
    echo "Server CPU per operation in us: 32 connections, 100 k keys, 100-byte values, $rounds rounds"
    printf '%-22s' ""
    for server in $servers; do printf '%11s' "$server"; done
    printf '%22s\n' "ballastd / nothing"
    while read -r read in_flight limit name; do
        printf '%-22s' "$name"
        for server in $servers; do
            # shellcheck disable=SC2086
            medians[$server]=$(median ${results[$server $read $in_flight]})
            printf '%11s' "${medians[$server]}"
        done
        times=$(ratio "${medians[ballastd]}" "${medians[nothing]}")
        verdict "$times" "$limit"
        printf '%9s (<= %s) %s' "$times" "$limit" "$verdict_text"
        best=$(printf '%s\n' "${medians[redis]}" "${medians[memcached]}" | sort -n | head -n 1)
        verdict "${medians[ballastd]}" "$best"
        printf '; less than both: %s\n' "$verdict_text"
    done <<ROWS
100 1 1.25 read, 1 in flight
0 1 1.35 write, 1 in flight
100 16 3.00 read, 16 in flight
0 16 3.00 write, 16 in flight
ROWS
    for server in $servers; do stop "$server"; done
}

# Bytes a record; leaves ballastd running with the records in it.
memory() {
    local server empty_kb full_kb each
    echo
    echo "Memory: $records records of one 100-byte value"
    for server in redis ballastd; do
        start "$server"
        empty_kb=$(settled_kb "$server")
        load "$server" operations fill=1 in_flight=16 keys=$records
        full_kb=$(settled_kb "$server")
        each=$(awk -v a="$full_kb" -v b="$empty_kb" -v n=$records 'BEGIN { printf "%.0f", (a - b) * 1024 / n }')
        printf '%-11s empty %s kB, %s bytes a record' "$server" "$empty_kb" "$each"
        if [ "$server" = ballastd ]; then
            verdict "$empty_kb" 16384
            printf '; empty <= 16384 kB: %s' "$verdict_text"
            verdict "$each" 180
            printf '; <= 180 bytes: %s' "$verdict_text"
        fi
        echo
        [ "$server" = ballastd ] || stop "$server"
    done
}

# Short operations while somebody scans all of them, over and over.
scan() {
    local alone="" beside="" line
    for ((round = 0; round < rounds; round++)); do
        load ballastd p99_us read_pct=50 keys=$records seconds="$seconds"
        alone+=" $figure"
        "${load_cpus[@]}" "$bin/bench_load" scan port="${port[ballastd]}" seconds="$seconds" >"$folder/scan" &
        local scanner=$!
        load ballastd p99_us read_pct=50 keys=$records seconds="$seconds"
        beside+=" $figure"
        wait $scanner || { echo "bench: the scan failed" >&2; exit 1; }
    done
    line=$(<"$folder/scan")
    # shellcheck disable=SC2086
    alone=$(median $alone) beside=$(median $beside)
    echo
    echo "p99 of short operations, half reads, 1 in flight"
    verdict "$(ratio "$beside" "$alone")" 2
    printf '%s us alone, %s us while a scan reads %s records/s: %s x (<= 2) %s\n' "$alone" "$beside" \
        "$(value_of per_second "$line")" "$(ratio "$beside" "$alone")" "$verdict_text"
    stop ballastd
}

start_times() {
    local server times command
    echo
    echo "Time from exec to the first write acknowledged"
    for server in $servers; do
        times=""
        for ((round = 0; round < rounds; round++)); do
            port[$server]=$("$bin/bench_load" port)
            command_of "$server" "${port[$server]}"
            times+=" $(value_of start_ms "$("$bin/bench_load" start "${dialect[$server]}" \
                port="${port[$server]}" -- "${command[@]}" 2>"$folder/$server.log")")"
        done
        # shellcheck disable=SC2086
        times=$(median $times)
        printf '%-11s %s ms' "$server" "$times"
        if [ "$server" = ballastd ]; then
            verdict "$times" 50
            printf ' (<= 50) %s' "$verdict_text"
        fi
        echo
    done
}

awk -v cores="$(nproc)" '$1 > cores / 2 {
    print "note: this machine is busy (load " $1 "), which costs some servers more than others" }' /proc/loadavg
speed
memory
scan
start_times
echo
echo "$misses limits missed"
[ "$misses" -eq 0 ]
