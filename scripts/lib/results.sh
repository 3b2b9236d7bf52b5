# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154,SC2164 # variables and set -e of lib.sh
# Results of checks: a line for each, for one that fails the command that shows why,
# and how many there were. Sourced after lib.sh, never run.

results_log=$build/$me.log
passed=0 failed=0 skipped=0

ok() {
	passed=$((passed + 1))
	echo "ok - $1"
}

# not_ok NAME COMMAND: COMMAND is for the reader, who has the repository as the
# current directory.
not_ok() {
	failed=$((failed + 1))
	echo "not ok - $1"
	echo "    to see it: $2"
}

# check NAME COMMAND FUNCTION [ARGUMENT...]
check() {
	_name=$1 _command=$2
	shift 2
	if ("$@") >"$results_log" 2>&1 </dev/null; then
		ok "$_name"
	else
		not_ok "$_name" "$_command"
	fi
}

# results NAME COMMAND FUNCTION [ARGUMENT...]: FUNCTION prints result lines of its
# own, which are counted. It must print at least one, and may not fail without
# having said what failed.
results() {
	_name=$1 _command=$2 _status=0 _before=$failed _all=$((passed + failed + skipped))
	shift 2
	("$@") >"$results_log" 2>&1 </dev/null || _status=$?
	while IFS= read -r _line; do
		case $_line in
		'ok - '*'# SKIP'*)
			skipped=$((skipped + 1))
			echo "$_line"
			;;
		'ok - '*) ok "${_line#ok - }" ;;
		'not ok - '*) not_ok "${_line#not ok - }" "$_command" ;;
		esac
	done <"$results_log"
	if [ "$_all" = "$((passed + failed + skipped))" ]; then
		not_ok "$_name gives results" "$_command"
	elif [ "$_status" != 0 ] && [ "$_before" = "$failed" ]; then
		not_ok "$_name ends well (it ended with $_status)" "$_command"
	fi
}

# checkpatch_patches NAME [OPTION...]: a check of each patch with checkpatch, and the
# OPTIONs. Sign-offs are for whoever sends the series.
checkpatch_patches() {
	_title=$1
	shift
	# shellcheck disable=SC2086 # a command line
	set -- $checkpatch --ignore MISSING_SIGN_OFF "$@"
	for _patch in "$patches"/*/*.patch; do
		_more=$(checkpatch_more "$_patch")
		# shellcheck disable=SC2086 # a list
		check "$_title ${_patch#"$patches/"}" \
			"cd build/tree && $*${_more:+ $_more} ../../patches/${_patch#"$patches/"}" \
			env -C "$tree" "$@" $_more "$_patch"
	done
}

# finish: the last line. Fails if a check has.
finish() {
	if [ "$skipped" = 0 ]; then
		echo "$passed passed, $failed failed"
	else
		echo "$passed passed, $failed failed, $skipped skipped"
	fi
	[ "$failed" = 0 ]
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
