# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154,SC2164 # variables and set -e of lib.sh
# Results of checks: a line for each, for one that fails the command that shows why,
# and how many there were; and build/results.json, which has them all by command: what
# one command writes leaves the results of others as they are. Sourced after lib.sh,
# never run.
#
# only  if set, after this is sourced, an extended regular expression: other checks are
#       left out

results_log=$build/$me.log
results_list=$build/results/$me
passed=0 failed=0 skipped=0 step=0 only=
planning=${planning:-} planned=
mkdir -p "$build/results"
[ -n "$planning" ] || : >"$results_list"

now() { date +%s%3N; }
last=$(now)

# plan ARGUMENT...: the script itself, with these ARGUMENTs, counts its checks without
# running them, so that each can say how many there are.
plan() {
	[ -z "$planning" ] || return 0
	planned=$(planning=yes "$0" "$@")
}

# result OUTCOME MILLISECONDS NAME COMMAND: to the list, from which JSON is made. Without
# a time it is that since the last result.
result() {
	_now=$(now)
	printf '%s\t%s\t%s\t%s\n' "$1" "${2:-$((_now - last))}" "$3" \
		"$(printf '%s' "$4" | tr '\t\n' '  ')" >>"$results_list"
	last=$_now
}

# ok NAME [MILLISECONDS COMMAND]
ok() {
	passed=$((passed + 1))
	echo "ok - $1"
	result passed "${2:-}" "$1" "${3:-make $me}"
}

# not_ok NAME COMMAND [MILLISECONDS]: COMMAND is for the reader, who has the repository
# as the current directory.
not_ok() {
	failed=$((failed + 1))
	echo "not ok - $1"
	echo "    to see it: $2"
	result failed "${3:-}" "$1" "$2"
}

# skip NAME REASON
skip() {
	skipped=$((skipped + 1))
	echo "ok - $1 # SKIP${2:+ $2}"
	result skipped 0 "$1" "$2"
}

# begins NAME: is it among those that are wanted? Says how far the run is.
begins() {
	[ -z "$only" ] || printf '%s\n' "$1" | grep -q -E -e "$only" || return 1
	step=$((step + 1))
	[ -z "$planning" ] || return 1
	[ -z "$planned" ] || echo "check $step of $planned: $1"
}

# check NAME COMMAND FUNCTION [ARGUMENT...]
check() {
	_name=$1 _command=$2
	shift 2
	begins "$_name" || return 0
	_start=$(now)
	if ("$@") >"$results_log" 2>&1 </dev/null; then
		ok "$_name" "$(($(now) - _start))" "$_command"
	else
		not_ok "$_name" "$_command" "$(($(now) - _start))"
	fi
}

# needs_base NAME ...: a check of what is only so on the kernel that base.env names. With
# another in build/tree it is skipped.
needs_base() {
	case $(cat "$tree/.git/series-base" 2>/dev/null) in
	KERNEL=*)
		begins "$1" || return 0
		skip "$1" 'needs the kernel of base.env'
		;;
	*) check "$@" ;;
	esac
}

# stamped: copy the input to file descriptor 3, and the lines that are results, with
# the time they came at, to the output.
stamped() {
	while IFS= read -r _line; do
		case $_line in
		'ok - '* | 'not ok - '*) printf '%s\t%s\n' "$(now)" "$_line" ;;
		esac
		printf '%s\n' "$_line" >&3
	done
}

# results NAME COMMAND FUNCTION [ARGUMENT...]: FUNCTION prints result lines of its
# own, which are counted. It must print at least one, and may not fail without
# having said what failed.
results() {
	_name=$1 _command=$2 _before=$failed _all=$((passed + failed + skipped))
	shift 2
	begins "$_name" || return 0
	_start=$(now)
	{
		_status=0
		("$@") || _status=$?
		echo "$_status" >"$results_log.status"
	} 2>&1 </dev/null | stamped 3>"$results_log" >"$results_log.stamped"
	count_stamped
	_status=$(cat "$results_log.status")
	if [ "$_all" = "$((passed + failed + skipped))" ]; then
		not_ok "$_name gives results" "$_command"
	elif [ "$_status" != 0 ] && [ "$_before" = "$failed" ]; then
		not_ok "$_name ends well (it ended with $_status)" "$_command"
	fi
}
count_stamped() {
	while IFS='	' read -r _end _line; do
		case $_line in
		'ok - '*'# SKIP'*)
			_line=${_line#ok - }
			_reason=${_line##*# SKIP}
			skip "${_line%% # SKIP*}" "${_reason# }"
			;;
		'ok - '*) ok "${_line#ok - }" "$((_end - _start))" "$_command" ;;
		'not ok - '*) not_ok "${_line#not ok - }" "$_command" "$((_end - _start))" ;;
		esac
		_start=$_end
	done <"$results_log.stamped"
}

# write_json COMPLETE: the results of this command in build/results.json. COMPLETE is
# false for a run that stopped before its end.
write_json() {
	python3 - "$build/results.json" "$results_list" "$me" "$1" <<'EOP'
import json, os, sys
path, tsv, command, complete = sys.argv[1:]
try:
    with open(path) as file:
        groups = json.load(file)
except (OSError, ValueError):
    groups = {}
checks = []
with open(tsv, encoding="utf-8", errors="replace") as file:
    for line in file:
        outcome, ms, name, show = line.rstrip("\n").split("\t", 3)
        key = "reason" if outcome == "skipped" else "command"
        checks.append({"name": name, "outcome": outcome,
                       "seconds": int(ms) / 1000, key: show.strip()})
groups[command] = {"complete": complete == "true", "checks": checks}
with open(path + ".new", "w") as file:
    json.dump(groups, file, indent=1)
    file.write("\n")
os.replace(path + ".new", path)
EOP
}
trap '[ -n "$planning" ] || write_json false' EXIT

# single NAME: what this script does is one check, which passes if it ends with 0. It
# prints nothing of that.
single() {
	_started=$(now) _single=$1
	trap '_status=$?
		if [ "$_status" = 0 ]; then _status=passed; else _status=failed; fi
		result "$_status" "$(($(now) - _started))" "$_single" "make $me"
		write_json true' EXIT
}

# slowest: the ten checks that took longest
slowest() {
	_slow=$(sort -t '	' -k 2,2nr "$results_list" | head -n 10 |
		awk -F '\t' '$2 >= 1000 { printf "%7.1f s  %s\n", $2 / 1000, $3 }')
	[ -z "$_slow" ] || printf 'The slowest:\n%s\n' "$_slow"
}

# finish: the last line. Fails if a check has.
finish() {
	if [ -n "$planning" ]; then
		echo "$step"
		exit 0
	fi
	trap - EXIT
	write_json true
	[ "$step" != 0 ] || [ -z "$only" ] || die "no check matches '$only': type 'make $me'"
	slowest
	if [ "$skipped" = 0 ]; then
		echo "$passed passed, $failed failed"
	else
		echo "$passed passed, $failed failed, $skipped skipped"
	fi
	[ "$failed" = 0 ]
}

# checkpatch_patches NAME [OPTION...]: a check of each patch with checkpatch, and the
# OPTIONs. Sign-offs are for whoever sends the series.
checkpatch_patches() {
	_title=$1
	shift
	# shellcheck disable=SC2086 # a command line
	set -- $checkpatch --ignore MISSING_SIGN_OFF "$@"
	for _patch in "$patches"/[0-9]*/*.patch; do
		_more=$(checkpatch_more "$_patch")
		# shellcheck disable=SC2086 # a list
		check "$_title ${_patch#"$patches/"}" \
			"cd ${tree#"$root/"} && $*${_more:+ $_more} ../../patches/${_patch#"$patches/"}" \
			env -C "$tree" "$@" $_more "$_patch"
	done
}

# suite_quiet LOG SAID: the kernel with the output LOG ran a suite and did not complain.
# What it said goes to SAID, without what came before: that is about other things.
suite_quiet() {
	sed -n '/KTAP version 1/,$p' "$1" >"$2"
	[ -s "$2" ] && ! grep -a -E "$complaint" "$2"
}

# two_cpus LOG: the kernel with the output LOG had two CPUs
two_cpus() { grep -q 'Brought up 1 node, 2 CPUs' "$1"; }

# kunit_cases CONFIG [FILTER LABEL]: a line for each case, of those that kunit.py's
# FILTER chooses, and one for what the kernel printed.
kunit_cases() {
	_json=$build/kunit-$1.json _klog=$(uml_dir "$1")/test.log _ran=0
	_label=${3:-$1}
	rm -f "$_json" "$_klog"
	# A kernel that a test has broken may not react to the signal by which
	# kunit.py ends it. The time is longer than a slow machine takes to build one.
	CONFIG=$1 timeout -k 10 3600 scripts/verify/kunit --json="$_json" \
		${2:+"$2"} >"$build/kunit-$1.log" 2>&1 || _ran=$?
	python3 - "$_label" "$_json" <<'EOF'
import json, sys
def walk(group, name):
    for case in group.get("test_cases", []):
        status = case["status"]
        print("not ok" if status in ("FAIL", "ERROR") else "ok", "-",
              "kunit", sys.argv[1], ".".join(name + [case["name"]]) +
              (" # SKIP" if status == "SKIP" else ""))
    for sub in group.get("sub_groups", []):
        walk(sub, name + [sub["name"]])
walk(json.load(open(sys.argv[2])), [])
EOF
	if suite_quiet "$_klog" "$build/kunit-$1.said"; then
		echo "ok - kunit $_label: the kernel does not complain"
	else
		echo "not ok - kunit $_label: the kernel does not complain (see ${_klog#"$root/"})"
	fi
	return "$_ran"
}

# kunit_cases_at DIRECTORY CONFIG [FILTER LABEL]: kunit_cases of the kernel in
# DIRECTORY/build/tree. For a subshell, such as that of results: it moves there.
kunit_cases_at() {
	SERIES_DIR=$1 build=$1/build
	export SERIES_DIR
	shift
	kunit_cases "$@"
}
