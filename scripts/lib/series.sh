# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154,SC2164 # variables and set -e of lib.sh
# The way between patches/ and the commits of build/tree, and what is checked of
# patches. Sourced after lib.sh, never run.

# postings: the names of the directories in patches/ that begin with a number, in their
# order. Each is a posting: patches that are sent together, and cover-letter.txt, the
# mail that goes before them; patches/lts-*/ are for other kernels, and not sent. In
# build/tree a posting ends where the branch of its name is, and the last one where the
# branch series is.
postings() (
	cd "$patches" 2>/dev/null && for p in [0-9]*/; do
		[ ! -d "$p" ] || echo "${p%/}"
	done
)

# posting_range POSTING: its commits, as git names them in build/tree.
posting_range() {
	_from=refs/series/base
	for _posting in $(postings); do
		if [ "$_posting" = "$1" ]; then break; fi
		_from=refs/heads/$_posting
	done
	if [ "$1" = "$(postings | tail -n 1)" ]; then
		echo "$_from..refs/heads/series"
	else
		echo "$_from..refs/heads/$1"
	fi
}

# postings_problem: say what is in patches/ and no posting.
postings_problem() {
	for _p in "$patches"/*; do
		_name=${_p##*/}
		case $_name in
		lts-*) continue ;;
		'*') echo "no patches in patches/: type 'git checkout patches'" ;;
		*.patch) echo "patches/$_name is in no posting: move it to a directory there" ;;
		[!0-9]* | *[!0-9A-Za-z-]*)
			echo "patches/$_name is no posting, whose name would be a number and a word, like 1-passes: rename it" ;;
		*) continue ;;
		esac
		return
	done
}

# One line for each patch file: its hash and its name.
patch_hashes() (
	cd "$1" && for p in *.patch [0-9]*/*.patch; do
		[ ! -f "$p" ] || sha256sum -- "$p"
	done
)

# Is patches/ what it was when build/tree and patches/ were last made equal?
patches_unchanged() {
	patch_hashes "$patches" | cmp -s - "$tree/.git/series-patches"
}

# record REPOSITORY: it holds what patches/ holds, as of now. "git rebase" is to take
# the branches along that say where postings end.
record() {
	git -C "$1" config rebase.updateRefs true
	git -C "$1" update-ref refs/series/exported HEAD
	for _end in $(git -C "$1" for-each-ref --format='%(refname)' refs/series/end); do
		git -C "$1" update-ref -d "$_end"
	done
	for _posting in $(postings | sed '$d'); do
		git -C "$1" update-ref "refs/series/end/$_posting" "refs/heads/$_posting"
	done
	patch_hashes "$patches" >"$1/.git/series-patches"
}

# Is build/tree, with the ends of its postings, what it was then?
tree_unchanged() {
	[ "$(git -C "$tree" rev-parse HEAD)" = \
		"$(git -C "$tree" rev-parse refs/series/exported)" ] || return
	for _posting in $(git -C "$tree" for-each-ref --format='%(refname:lstrip=3)' \
		refs/series/end); do
		[ "$(git -C "$tree" rev-parse -q --verify "refs/heads/$_posting")" = \
			"$(git -C "$tree" rev-parse "refs/series/end/$_posting")" ] || return
	done
}

# tree_problem: say what keeps build/tree from being imported over or exported.
tree_problem() {
	_git=$tree/.git
	for _f in rebase-merge rebase-apply sequencer MERGE_HEAD CHERRY_PICK_HEAD \
		REVERT_HEAD; do
		if [ -e "$_git/$_f" ]; then
			echo "a rebase, am, merge or cherry-pick is not finished in build/tree: end it ('git -C build/tree status' says how)"
			return
		fi
	done
	if [ "$(git -C "$tree" symbolic-ref -q HEAD)" != refs/heads/series ]; then
		echo "build/tree is not on its branch 'series': type 'git -C build/tree checkout series'"
		return
	fi
	if [ -n "$(git -C "$tree" status --porcelain | head -n 1)" ]; then
		echo "build/tree has uncommitted work: commit it there, or put it aside with 'git -C build/tree stash -u'"
	fi
}

# which_base: set kernel and base: the kernel tree that KERNEL names, or nothing, and
# what identifies the base. Without KERNEL, package, version and sha256 are those of
# base.env, or of the file that BASE names.
which_base() {
	kernel=${KERNEL:-}
	if [ -z "$kernel" ]; then
		read_base
		base="$package $version $sha256"
		return
	fi
	[ -f "$kernel/Makefile" ] ||
		die "KERNEL=$kernel is no kernel tree: type 'make tree KERNEL=/path/to/linux'"
	kernel=$(cd -- "$kernel" && pwd -P)
	export GIT_OPTIONAL_LOCKS=0
	if [ -e "$kernel/.git" ]; then
		base=$(git -C "$kernel" -c safe.directory="$kernel" rev-parse -q --verify HEAD) ||
			die "git cannot read $kernel: type 'git -C $kernel status'"
		base="KERNEL=$kernel at commit $base"
		[ -z "$(git -C "$kernel" -c safe.directory="$kernel" status --porcelain | head -n 1)" ] ||
			die "$kernel has uncommitted changes, and only its HEAD would be used: type 'git -C $kernel stash -u', or commit them"
	else
		if [ -e "$kernel/.config" ] || [ -d "$kernel/include/config" ]; then
			die "$kernel holds a build: type 'make -C $kernel mrproper'"
		fi
		base="KERNEL=$kernel with files $(cd "$kernel" &&
			find . -type f -printf '%P %s %T@\n' | sort | sha256sum | cut -c 1-16)"
	fi
	unset GIT_OPTIONAL_LOCKS
}

# make_base DIRECTORY: a repository there with one commit, refs/series/base, of the
# kernel that which_base has found.
make_base() {
	rm -rf "$1"
	mkdir -p "$1"
	unpack_base "$1"
	# Debian's source package ignores everything at the top level.
	[ ! -f "$1/.gitignore" ] ||
		perl -0pi -e 's/\n#\n# Debian packaging: ignore everything at the top level.*?\n\/\*\n!\/debian\/\n/\n/s' \
			"$1/.gitignore"
	commit_base "$1"
}
room="is the disk full? build/ needs 3 GB; then type 'make tree'"
unpack_base() {
	if [ -z "$kernel" ]; then
		"$root/scripts/series/fetch"
		note "unpacking $package"
		dpkg-deb --fsys-tarfile "$build/${package}_${version}_all.deb" |
			tar -xOf - "./usr/src/$package.tar.xz" |
			tar -xJf - --no-same-owner --strip-components=1 -C "$1" ||
			die "could not unpack $package: $room"
	elif [ -e "$kernel/.git" ]; then
		note "copying $kernel"
		git -C "$kernel" -c safe.directory="$kernel" archive HEAD |
			tar -xf - -C "$1" || die "could not copy $kernel: $room"
	else
		note "copying $kernel"
		cp -R -P --preserve=mode,timestamps "$kernel/." "$1" ||
			die "could not copy $kernel: $room"
	fi
	[ -f "$1/Makefile" ] || die "the copy of the kernel is not whole: $room"
}
commit_base() {
	note "making the base commit"
	command git init -q --template= -b series "$1"
	git -C "$1" config core.autocrlf false
	# The low threshold makes git write one pack, in half the time and space that
	# a hundred thousand loose objects take.
	git -C "$1" -c core.bigFileThreshold=1 -c core.compression=1 add -A -f ||
		die "git could not add the kernel's files: $room"
	(
		GIT_COMMITTER_NAME='Base kernel'
		GIT_COMMITTER_EMAIL=base@kernel.invalid
		GIT_COMMITTER_DATE=2000-01-01T00:00:00Z
		export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
		git -C "$1" commit -q -m 'The kernel that the series applies to' \
			--author "$GIT_COMMITTER_NAME <$GIT_COMMITTER_EMAIL>" \
			--date "$GIT_COMMITTER_DATE"
	)
	git -C "$1" update-ref refs/series/base HEAD
	echo "$base" >"$1/.git/series-base"
}

# apply_series TREE PATCHES SCRATCH: make the repository SCRATCH, which borrows
# TREE's objects, and put PATCHES/*/*.patch on TREE's base there, with git am, and
# branches where postings end. TREE itself is not touched, so there is nothing to
# undo when a patch fails. Each patch's author is its committer too: everybody gets
# the same commit ids.
apply_series() {
	_problem=$(postings_problem)
	[ -z "$_problem" ] || die "$_problem, then 'make tree'"
	rm -rf "$3"
	command git init -q --template= -b series "$3"
	mkdir -p "$3/.git/objects/info"
	echo "$1/.git/objects" >"$3/.git/objects/info/alternates"
	_base=$(git -C "$1" rev-parse --verify refs/series/base)
	git -C "$3" update-ref refs/series/base "$_base"
	git -C "$3" update-ref HEAD "$_base"
	git -C "$3" read-tree HEAD
	# The attributes decide what stands after the @@ of a hunk.
	(cd "$3" && git ls-files -z '*.gitattributes' | git checkout-index -z --stdin)
	for _posting in $(postings); do
		for _p in "$2/$_posting"/*.patch; do
			[ ! -f "$_p" ] || apply_patch "$_p" "$3"
		done
		git -C "$3" update-ref "refs/heads/$_posting" HEAD
	done
	[ "$(git -C "$3" rev-parse HEAD)" != "$_base" ] ||
		die "no patches in patches/: type 'git checkout patches', then 'make tree'"
	# The last one is the branch series.
	git -C "$3" update-ref -d "refs/heads/$_posting"
}
# am PATCH REPOSITORY ARGUMENT...: git am with the ARGUMENTs, whose committer is the
# author of PATCH. What it prints is in REPOSITORY/.git/am.log.
am() (
	_info=$(git mailinfo /dev/null /dev/null <"$1" 2>/dev/null) || _info=
	GIT_COMMITTER_NAME=$(echo "$_info" | sed -n 's/^Author: //p')
	GIT_COMMITTER_EMAIL=$(echo "$_info" | sed -n 's/^Email: //p')
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
	_repository=$2
	shift 2
	git -C "$_repository" am -q "$@" </dev/null >"$_repository/.git/am.log" 2>&1
)
# am_options: so everybody gets the same commits
am_options='--keep-non-patch --committer-date-is-author-date'
apply_patch() {
	# shellcheck disable=SC2086 # a list
	! am "$1" "$2" --no-3way $am_options "$1" || return 0
	_why=$(sed -n 's/^error: \(.*\): \(patch does not apply\|does not exist.*\|already exists.*\|No such file.*\|does not match index\)$/\1/p' \
		"$2/.git/am.log" | sort -u | tr '\n' ' ')
	[ -n "$_why" ] || _why=$(grep -m 1 -E '^(error|fatal):' "$2/.git/am.log" ||
		echo 'not a patch')
	die "patches/$_posting/${1##*/} does not apply: ${_why% } (nothing was changed): mend the patch, or type 'git checkout patches', then 'make tree'; 'make move' tells of each patch if it merges"
}

# format_series REPOSITORY RANGE DIRECTORY [OPTION...]: the patch files. Every flag
# that a repository's own configuration could set is set here; an OPTION overrides
# it.
format_series() {
	_repository=$1 _range=$2 _directory=$3
	shift 3
	git -C "$_repository" -c format.signOff=false -c format.encodeEmailHeaders=true \
		-c diff.suppressBlankEmpty=false \
		-c core.quotePath=true -c core.attributesFile=/dev/null \
		format-patch -q --no-numbered --no-cover-letter --zero-commit \
		--no-signature --full-index --diff-algorithm=myers \
		--subject-prefix=PATCH --suffix=.patch --filename-max-length=64 \
		--no-attach --no-thread --no-base --no-add-header --no-to --no-cc \
		--no-from --no-notes --encoding=UTF-8 --find-renames \
		--src-prefix=a/ --dst-prefix=b/ --unified=3 \
		--inter-hunk-context=0 -O/dev/null --indent-heuristic --no-ext-diff \
		--no-textconv --no-relative --no-color "$@" \
		-o "$_directory" "$_range"
}

# format_postings REPOSITORY DIRECTORY: those of each posting, in DIRECTORY/POSTING.
format_postings() {
	for _posting in $(postings); do
		format_series "$1" "$(posting_range "$_posting")" "$2/$_posting"
	done
}

# Of build/tree. In the base there is no history in which a commit id could be looked
# up. That somebody maintains a new file is seen by 'make check', with
# get_maintainer.pl, so not each of them has to be in MAINTAINERS.
# shellcheck disable=SC2034 # used by the scripts that source this
checkpatch='scripts/checkpatch.pl --strict --show-types --ignore UNKNOWN_COMMIT_ID,FILE_PATH_CHANGES'
# checkpatch_more PATCH: more of its options. All headers of trace events are written in
# a style that it does not know.
checkpatch_more() {
	! grep -q '^+++ b/include/trace/events/' "$1" ||
		echo '--ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT'
}
