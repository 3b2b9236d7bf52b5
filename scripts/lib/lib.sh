# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What all scripts share. Sourced by them, never run. Of the other files here each
# script sources those it needs: series.sh, kernel.sh, apt.sh, results.sh.
#
# SERIES_DIR  the directory with base.env, patches/ and build/; the tests set
#             it, everybody else works in the repository itself
#
# Exit codes of every script: 0 done, 1 stopped with one line on stderr that
# says why and what to type.
set -eu
export LC_ALL=C

me=${0##*/}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
top=${SERIES_DIR:-$root}
# shellcheck disable=SC2034 # used by the scripts that source this
{
	build=$top/build
	patches=$top/patches
	tree=$build/tree
	jobs=$(nproc)
}

# read_base: set package, version and sha256, as in base.env
read_base() {
	_base=${BASE:-$top/base.env}
	[ -f "$_base" ] || die "there is no $_base: type 'git checkout base.env', or name another file with BASE="
	# shellcheck source=base.env
	. "$(CDPATH='' cd -- "$(dirname -- "$_base")" && pwd -P)/${_base##*/}"
}

note() { printf '%s: %s\n' "$me" "$*"; }
die() { printf '%s: %s\n' "$me" "$*" >&2; exit 1; }

# The names of the commits and the bytes of the patches must not depend on who
# runs this: no personal or system configuration, no hooks, no variables that a
# git command left behind when it started us.
# shellcheck disable=SC2046 # a list of names
unset $(git rev-parse --local-env-vars 2>/dev/null) GIT_EXTERNAL_DIFF \
	GIT_DIFF_OPTS GIT_AUTHOR_DATE GIT_COMMITTER_DATE || :
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git() {
	command git -c core.hooksPath=/dev/null -c core.autocrlf=false \
		-c core.fsmonitor=false -c gc.auto=0 "$@"
}
