#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Test how the scripts behave, on a kernel of three files. Each test is one
# function below, named for the behaviour it wants to see.
#
# Input: names of tests to run; all without.
# Exit codes: 0 all passed, 1 one failed (what it saw is printed before its name).
# shellcheck disable=SC2317 # the tests are called by their names
set -eu
export LC_ALL=C TZ=UTC
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
d=$work/series
first=$d/patches/1-first second=$d/patches/2-second
# What make exports would be used.
unset KERNEL SIGNOFF POSTING BASE

# --- tools of the tests

# A git that no configuration of the user reaches, as the author of the series.
g() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -c user.name=A \
		-c user.email=a@example.invalid "$@"
}
run() { env SERIES_DIR="$d" "$root"/scripts/*/"$1"; }
import() { SERIES_DIR=$d KERNEL=${KERNEL-$d/kernel} "$root/scripts/series/import"; }
in_tree() { g -C "$d/build/tree" "$@"; }
commit() { echo "$2" >>"$d/build/tree/$1" && in_tree commit -qam "Add $2"; }
say() { echo "  $*"; return 1; }

# fails COMMAND: it does not end with 0
fails() {
	if "$@"; then
		say "it ended with 0: $*"
	fi
}

# refuses WORDS COMMAND: it fails with one line on stderr, which has WORDS in it.
refuses() {
	_words=$1
	shift
	if "$@" >"$work/out" 2>"$work/err"; then
		say "no refusal with '$_words'"
	fi
	[ "$(wc -l <"$work/err")" = 1 ] || say "not one line: $(cat "$work/err")"
	grep -q -e "$_words" "$work/err" || say "no '$_words' in: $(cat "$work/err")"
}

# unchanged COMMAND: neither patches/ nor what git knows and sees of build/tree
# is another after it.
state() {
	(cd "$d" && cat patches/*/* && in_tree rev-parse HEAD &&
		in_tree status --porcelain -b && in_tree diff HEAD &&
		in_tree for-each-ref)
}
unchanged() {
	state >"$work/before"
	"$@"
	state | diff "$work/before" - || say "something was changed"
}

# A kernel and a series of two patches in a first posting and one in a second, and
# nothing else.
setup() {
	rm -rf "$d"
	mkdir -p "$d/kernel/mm" "$first" "$second" "$d/build"
	echo 'VERSION = 7' >"$d/kernel/Makefile"
	seq 1 20 >"$d/kernel/mm/a.c"
	seq 1 20 >"$d/kernel/mm/b.c"
	printf '%s\n' '*.o' '' '#' \
		'# Debian packaging: ignore everything at the top level, since it' \
		'#' '/*' '!/debian/' >"$d/kernel/.gitignore"
	printf 'package=linux-source-7.3\nversion=7.3\nsha256=%064d\n' 1 >"$d/base.env"
	cp -R "$d/kernel" "$work/k"
	cd "$work/k"
	g init -q -b k
	g add -A -f
	g commit -q -m base
	sed -i 's/^3$/three/' mm/a.c
	g commit -q -a -m 'a: write three' --date 2020-01-02T03:04:05+0600
	echo new >mm/c.c
	g add -f mm/c.c
	g commit -q -m 'c: new file'
	sed -i 's/^3$/three/' mm/b.c
	g commit -q -a -m 'b: write three'
	# shellcheck disable=SC2016 # for the inner shell
	SERIES_DIR=$d sh -c '. "$0"; . "${0%/*}/series.sh"; format_series "$1" HEAD~3..HEAD~1 "$2"
		format_series "$1" HEAD~1..HEAD "$3"' \
		"$root/scripts/lib/lib.sh" "$work/k" "$first" "$second"
	cd "$root"
	rm -rf "$work/k"
}
change_patch() { sed -i 's/three/THREE/' "$first/0001-a-write-three.patch"; }
break_patch() { sed -i 's/^-3$/-33/' "$first/0001-a-write-three.patch"; }

# --- importing

import_makes_a_commit_for_each_patch() {
	import >/dev/null
	[ "$(in_tree log --reverse --format=%s refs/series/base..series)" = \
		"$(printf 'a: write three\nc: new file\nb: write three')" ] || say "$(in_tree log --oneline)"
	grep -q three "$d/build/tree/mm/a.c" && [ -f "$d/build/tree/mm/c.c" ]
}
import_makes_a_branch_where_a_posting_ends() {
	import >/dev/null
	[ "$(in_tree log -1 --format=%s 1-first)" = 'c: new file' ] || say "$(in_tree log --oneline)"
	[ "$(in_tree for-each-ref --format='%(refname:lstrip=2)' refs/heads | paste -s -d ' ')" = \
		'1-first series' ] || say "$(in_tree branch)"
}
import_takes_in_that_a_posting_ends_elsewhere() {
	import >/dev/null
	mv "$first/0002-c-new-file.patch" "$second/0000-c-new-file.patch"
	import >/dev/null
	[ "$(in_tree log -1 --format=%s 1-first)" = 'a: write three' ] || say "$(in_tree log --oneline)"
	run export
	[ "$(cd "$d/patches" && echo ./*/*.patch)" = \
		'./1-first/0001-a-write-three.patch ./2-second/0001-c-new-file.patch ./2-second/0002-b-write-three.patch' ]
}
import_takes_in_that_a_posting_has_another_name() {
	import >/dev/null
	mv "$first" "$d/patches/1-other"
	import >/dev/null
	[ "$(in_tree log -1 --format=%s 1-other)" = 'c: new file' ]
	unchanged run export
	! in_tree rev-parse -q --verify refs/heads/1-first
}
import_takes_in_that_a_posting_is_gone() {
	import >/dev/null
	rm -r "$second"
	import >/dev/null
	[ "$(in_tree branch --format='%(refname:short)')" = series ] || say "$(in_tree branch)"
	unchanged run export
}
import_keeps_where_a_posting_ends() {
	import >/dev/null
	in_tree branch -q -f 1-first HEAD~2
	change_patch
	unchanged refuses 'branch -m 1-first my-1-first' import
	in_tree branch -m 1-first my-1-first
	import >/dev/null
	[ "$(in_tree log -1 --format=%s my-1-first)" = 'a: write three' ]
	[ "$(in_tree log -1 --format=%s 1-first)" = 'c: new file' ]
}
import_refuses_a_patch_in_no_posting() {
	mv "$second"/* "$d/patches/"
	rmdir "$second"
	refuses 'patches/0001-b-write-three.patch is in no posting' import
}
import_leaves_out_what_is_for_other_kernels() {
	cp -R "$second" "$d/patches/lts-1.0"
	import >/dev/null
	[ "$(in_tree log --format=%s refs/series/base..series | wc -l)" = 3 ]
}
import_refuses_a_posting_without_a_number() {
	mv "$second" "$d/patches/second"
	refuses 'patches/second is no posting.*rename' import
}
import_takes_a_posting_whose_patches_are_still_to_be_made() {
	rm "$second"/*
	import >/dev/null
	unchanged refuses 'patches/2-second would be empty' run export
	commit mm/b.c more
	run export
	[ "$(cd "$d/patches" && echo ./*/*.patch)" = 		'./1-first/0001-a-write-three.patch ./1-first/0002-c-new-file.patch ./2-second/0001-Add-more.patch' ]
}
import_refuses_postings_without_any_patch() {
	rm "$first"/* "$second"/*
	refuses 'no patches in patches/: .*git checkout patches' import
}
import_leaves_out_what_Debian_ignores() {
	import >/dev/null
	[ "$(cat "$d/build/tree/.gitignore")" = '*.o' ] || say "$(cat "$d/build/tree/.gitignore")"
}
import_keeps_the_kernel_given_as_it_was() {
	find "$d/kernel" -printf '%p %s %T@\n' | sort >"$work/k1"
	import >/dev/null
	find "$d/kernel" -printf '%p %s %T@\n' | sort | diff "$work/k1" -
}
import_gives_everybody_the_same_commits() {
	import >/dev/null
	one=$(in_tree rev-parse HEAD)
	mv "$d" "$d.1"
	cp -R "$d.1" "$d"
	rm -rf "$d/build" "$d.1"
	mkdir "$work/home"
	printf '[user]\nname = B\nemail = b@example.invalid\n[core]\nautocrlf = true\n[am]\nthreeWay = true\n' \
		>"$work/home/.gitconfig"
	(umask 077 && export HOME="$work/home" TZ=Asia/Tokyo GIT_COMMITTER_NAME=C &&
		unset GIT_CONFIG_GLOBAL && import >/dev/null)
	rm -rf "${work:?}/home"
	[ "$(in_tree rev-parse HEAD)" = "$one" ] || say "other ids the second time"
}
import_does_nothing_when_patches_are_as_before() {
	import >/dev/null
	commit mm/b.c more
	echo uncommitted >>"$d/build/tree/mm/b.c"
	unchanged import
}
import_takes_in_a_changed_patch() {
	import >/dev/null
	change_patch
	import >/dev/null
	grep -q THREE "$d/build/tree/mm/a.c" && [ -z "$(in_tree status --porcelain)" ]
}
import_takes_in_that_a_patch_is_gone() {
	import >/dev/null
	rm "$first/0002-c-new-file.patch"
	import >/dev/null
	[ ! -e "$d/build/tree/mm/c.c" ]
}
import_does_not_touch_files_that_stay_the_same() {
	import >/dev/null
	touch -d 2001-01-01 "$d/build/tree/mm/c.c" "$d/build/tree/mm/b.c"
	change_patch
	import >/dev/null
	[ -z "$(find "$d/build/tree/mm/c.c" "$d/build/tree/mm/b.c" -newermt 2002-01-01)" ] ||
		say "written again"
}
import_keeps_unexported_commits() {
	import >/dev/null
	commit mm/b.c more
	change_patch
	unchanged refuses 'branch mine' import
}
import_keeps_uncommitted_work() {
	import >/dev/null
	change_patch
	echo more >>"$d/build/tree/mm/b.c"
	unchanged refuses 'stash -u' import
}
import_keeps_staged_work() {
	import >/dev/null
	change_patch
	echo more >>"$d/build/tree/mm/b.c"
	in_tree add mm/b.c
	unchanged refuses 'stash -u' import
}
import_keeps_untracked_files() {
	import >/dev/null
	change_patch
	echo mine >"$d/build/tree/mm/mine.c"
	unchanged refuses 'stash -u' import
	[ "$(cat "$d/build/tree/mm/mine.c")" = mine ]
}
import_keeps_an_ignored_file_where_a_patch_adds_one() {
	import >/dev/null
	sed -i 's/c\.c/c.o/g' "$first/0002-c-new-file.patch"
	echo mine >"$d/build/tree/mm/c.o"
	unchanged refuses 'build/tree/mm/c.o' import
	[ "$(cat "$d/build/tree/mm/c.o")" = mine ]
}
import_keeps_a_rebase_that_is_going_on() {
	import >/dev/null
	change_patch
	GIT_SEQUENCE_EDITOR='sed -i s/^pick/edit/' in_tree rebase -q -i HEAD~1 2>/dev/null
	unchanged refuses 'not finished' import
}
import_keeps_another_branch() {
	import >/dev/null
	change_patch
	in_tree checkout -q -b mine
	unchanged refuses "checkout series" import
}
import_names_the_patch_that_fails_and_its_file() {
	break_patch
	refuses 'patches/1-first/0001-a-write-three.patch.*mm/a.c' import
	[ ! -e "$d/build/tree" ] || say "build/tree was made"
}
import_changes_nothing_when_a_patch_fails() {
	import >/dev/null
	break_patch
	unchanged refuses '0001-a-write-three.patch.*mm/a.c' import
}
import_allows_a_patch_no_fuzz() {
	sed -i 's/^ 6$/ six/' "$first/0001-a-write-three.patch"
	refuses 'mm/a.c' import
}
import_names_a_patch_that_is_none() {
	echo 'no patch' >"$second/0002-none.patch"
	refuses 2-second/0002-none.patch import
}
import_does_not_take_half_a_tree_for_a_whole() {
	# Killed while it copies the kernel.
	mkdir -p "$work/bin"
	# shellcheck disable=SC2016 # for the inner shell
	printf '#!/bin/sh\nkill -9 $PPID\n' >"$work/bin/perl"
	chmod +x "$work/bin/perl"
	(PATH=$work/bin:$PATH import >/dev/null 2>&1) || :
	rm -r "${work:?}/bin"
	[ ! -e "$d/build/tree" ] || say "half a build/tree is there"
	import >/dev/null
	in_tree rev-parse -q --verify refs/series/exported >/dev/null
}
import_goes_on_after_it_was_killed_before_the_record() {
	import >/dev/null
	cp "$d/build/tree/.git/series-patches" "$work/old"
	old=$(in_tree rev-parse HEAD)
	change_patch
	import >/dev/null
	cp "$work/old" "$d/build/tree/.git/series-patches"
	in_tree update-ref refs/series/exported "$old"
	import >/dev/null
	unchanged import
}
import_refuses_another_base() {
	import >/dev/null
	echo more >>"$d/kernel/mm/b.c"
	unchanged refuses 'mv build/tree build/tree.old' import
}
import_refuses_a_git_kernel_with_changes() {
	g -C "$d/kernel" init -q
	g -C "$d/kernel" add -A -f
	g -C "$d/kernel" commit -q -m base
	echo more >>"$d/kernel/mm/b.c"
	refuses 'uncommitted' import
	g -C "$d/kernel" checkout -q mm/b.c
	import >/dev/null
}
import_refuses_a_kernel_built_in_place() {
	touch "$d/kernel/.config"
	refuses 'mrproper' import
}
import_refuses_a_directory_that_is_no_kernel() {
	KERNEL=$d/patches refuses 'no kernel tree' import
}

# --- exporting

export_after_import_changes_no_byte() {
	import >/dev/null
	unchanged run export
}
export_does_not_follow_configuration() {
	import >/dev/null
	in_tree config format.signOff true
	in_tree config format.numbered false
	in_tree config format.attach true
	in_tree config format.thread deep
	in_tree config format.useAutoBase true
	in_tree config format.subjectPrefix X
	in_tree config format.headers 'X-Mine: yes'
	in_tree config format.from 'B <b@example.invalid>'
	in_tree config format.to b@example.invalid
	in_tree config format.noprefix true
	in_tree config diff.noprefix true
	in_tree config diff.context 9
	in_tree config diff.algorithm patience
	in_tree config diff.renames false
	in_tree config core.abbrev 5
	in_tree config user.name B
	in_tree config user.email b@example.invalid
	(cd "$d/patches" && cat ./*/*) >"$work/patches"
	run export
	(cd "$d/patches" && cat ./*/*) | diff "$work/patches" -
}
export_names_no_version_of_git() {
	import >/dev/null
	! grep -h -F "$(git --version | cut -d ' ' -f 3)" "$d/patches"/*/*
}
export_writes_new_commits() {
	import >/dev/null
	commit mm/b.c more
	run export
	[ -f "$second/0002-Add-more.patch" ] || say "$(ls "$d/patches"/*)"
	unchanged import
}
# amend TITLE COMMAND: in a rebase, COMMAND follows on the commit with that title.
amend() {
	echo "$2" >"$work/then"
	GIT_SEQUENCE_EDITOR="sed -i '/^pick .* $1\$/a exec sh $work/then'" \
		in_tree rebase -q -i refs/series/base 2>/dev/null
}
export_writes_a_new_commit_at_the_end_of_the_first_posting() {
	import >/dev/null
	amend 'c: new file' "echo more >>mm/a.c && git commit -q -a -m 'Add more'"
	run export
	[ "$(cd "$d/patches" && echo ./*/*.patch)" = \
		'./1-first/0001-a-write-three.patch ./1-first/0002-c-new-file.patch ./1-first/0003-Add-more.patch ./2-second/0001-b-write-three.patch' ] ||
		say "$(ls "$d/patches"/*)"
	unchanged import
}
export_follows_a_rebase_of_the_first_posting() {
	import >/dev/null
	cat "$second"/* >"$work/second"
	amend 'a: write three' "echo more >>mm/a.c && git commit -q -a --amend -m 'a: more'"
	run export
	[ "$(ls "$first")" = "$(printf '0001-a-more.patch\n0002-c-new-file.patch')" ] || say "$(ls "$first")"
	cat "$second"/* | diff "$work/second" -
	unchanged import
}
export_writes_that_a_posting_ends_elsewhere() {
	import >/dev/null
	in_tree branch -q -f 1-first HEAD~2
	run export
	[ "$(cd "$d/patches" && echo ./*/*.patch)" = \
		'./1-first/0001-a-write-three.patch ./2-second/0001-c-new-file.patch ./2-second/0002-b-write-three.patch' ] ||
		say "$(ls "$d/patches"/*)"
	unchanged import
}
export_writes_a_new_posting() {
	import >/dev/null
	commit mm/b.c more
	mkdir "$d/patches/3-third"
	in_tree branch 2-second HEAD~1
	run export
	[ "$(cd "$d/patches" && echo ./[23]*/*.patch)" = \
		'./2-second/0001-b-write-three.patch ./3-third/0001-Add-more.patch' ] ||
		say "$(ls "$d/patches"/*)"
	unchanged import
}
export_leaves_the_cover_letters_alone() {
	echo letter >"$first/cover-letter.txt"
	import >/dev/null
	commit mm/b.c more
	run export
	[ "$(cat "$first/cover-letter.txt")" = letter ]
}
# told COMMAND: it refuses, and does not when what it says to type was typed.
told() {
	if "$@" 2>"$work/err"; then say 'no refusal'; fi
	_type=$(sed "s/.*type '\([^']*\)'.*/\1/" "$work/err")
	(cd "$d" && eval "g ${_type#git }")
	"$@"
}
export_refuses_a_series_without_the_end_of_a_posting() {
	import >/dev/null
	in_tree branch -q -D 1-first
	commit mm/b.c more
	unchanged refuses 'no branch 1-first' run export
	told run export
	[ "$(in_tree log -1 --format=%s 1-first)" = 'c: new file' ]
}
export_refuses_a_posting_that_ends_outside_of_the_series() {
	import >/dev/null
	in_tree config --unset rebase.updateRefs
	amend 'a: write three' "echo more >>mm/a.c && git commit -q -a --amend -m 'a: more'"
	unchanged refuses '1-first.*is not in the branch series' run export
	told run export
	[ "$(in_tree log -2 --format=%s 1-first)" = "$(printf 'c: new file\na: more')" ]
	[ "$(in_tree config rebase.updateRefs)" = true ]
}
export_does_not_guess_where_a_posting_ends() {
	import >/dev/null
	in_tree checkout -q -b other
	in_tree commit -q --allow-empty -m 'b: write three'
	in_tree branch -q -f 1-first
	in_tree checkout -q series
	commit mm/b.c more
	in_tree commit -q --amend -m 'b: write three'
	unchanged refuses "branch -f 1-first COMMIT' with the last commit of 1-first" run export
}
export_refuses_an_empty_posting() {
	import >/dev/null
	in_tree branch -q -f 1-first series
	unchanged refuses 'patches/2-second would be empty' run export
	told run export
	in_tree branch -q -f 1-first refs/series/base
	unchanged refuses 'patches/1-first would be empty' run export
	told run export
}
export_removes_the_patch_of_a_dropped_commit() {
	import >/dev/null
	commit mm/b.c more
	run export
	in_tree reset -q --hard HEAD~1
	run export
	[ "$(ls "$second")" = 0001-b-write-three.patch ]
}
exported_patches_import_as_the_same_files() {
	import >/dev/null
	commit mm/b.c more
	run export
	want=$(in_tree rev-parse 'HEAD^{tree}')
	rm -rf "$d/build"
	import >/dev/null
	[ "$(in_tree rev-parse 'HEAD^{tree}')" = "$want" ]
}
export_refuses_uncommitted_work() {
	import >/dev/null
	commit mm/b.c more
	echo more >>"$d/build/tree/mm/b.c"
	unchanged refuses 'uncommitted' run export
}
export_keeps_patches_changed_by_hand() {
	import >/dev/null
	commit mm/b.c more
	change_patch
	unchanged refuses 'make tree' run export
}
export_refuses_a_merge() {
	import >/dev/null
	in_tree checkout -q -b side HEAD~2
	commit mm/b.c more
	in_tree checkout -q series
	in_tree merge -q side -m merge
	unchanged refuses 'merge' run export
}
export_refuses_a_branch_without_the_base() {
	import >/dev/null
	in_tree checkout -q --orphan other
	in_tree commit -q -m other
	in_tree branch -q -M other series
	unchanged refuses 'rebase refs/series/base' run export
}
export_refuses_to_leave_no_patch() {
	import >/dev/null
	in_tree reset -q --hard refs/series/base
	unchanged refuses 'no commits' run export
}
export_refuses_what_git_am_cannot_make() {
	import >/dev/null
	in_tree commit -q --allow-empty -m empty
	refuses 'empty' run export
	[ ! -e "$second/0002-empty.patch" ]
}
export_says_how_to_make_the_tree() {
	refuses 'make tree' run export
}

# --- mails

# What a series that is to be sent needs in addition.
setup_mail() {
	mkdir -p "$d/kernel/scripts" "$work/bin"
	printf 'The subject\n\nThe text, line one,\nand two.\n' >"$first/cover-letter.txt"
	printf 'The other subject\n\nThe other text.\n' >"$second/cover-letter.txt"
	# Somebody maintains the first patch, nobody the second.
	cat >"$d/kernel/scripts/get_maintainer.pl" <<'EOF'
#!/bin/sh
for mail; do :; done
case $mail in
*0001*)
	echo '"Ä. Maintainer" <maintainer@example.org> (maintainer:A (B))'
	echo 'Reviewer <reviewer@example.org> (reviewer:A (B))'
	echo 'Keyword <keyword@example.org> (maintainer:C:Keyword:three)'
	echo 'linux-mm@kvack.org (open list:A (B))'
	;;
*)
	echo 'Reviewer <Reviewer@example.org> (reviewer:D)'
	echo 'list@example.org (open list)'
	echo 'Sender <sender@example.org> (reviewer:D)'
	echo 'Maintainer <Maintainer@example.org> (reviewer:D)'
	;;
esac
EOF
	# Wants sign-offs.
	cat >"$d/kernel/scripts/checkpatch.pl" <<'EOF'
#!/bin/sh
while [ "${1#*.patch}" = "$1" ]; do shift; done
for mail; do grep -q '^Signed-off-by: ' "$mail" || exit 1; done
EOF
	# A b4 that copies the mails but the cover letter, or says no.
	cat >"$work/bin/b4" <<'EOF'
#!/bin/sh
while [ $# != 0 ]; do
	case $1 in
	-m) mails=$2 ;;
	-o) out=$2 ;;
	esac
	shift
done
awk '/^From 0000/ { n++ } n > 1' "$mails" >"$out/it.mbx"
[ ! -e "${0%/*}/no" ]
EOF
	chmod +x "$d/kernel/scripts"/* "$work/bin/b4"
}
mbox() {
	SERIES_DIR=$d POSTING=${POSTING-1-first} \
		SIGNOFF=${SIGNOFF-Sender <sender@example.org>} \
		PATH=$work/bin:$PATH "$root/scripts/series/mbox" "$@" >"$work/mbox.out"
}
# the mails but the cover letter
mails() { ls "$d"/build/mbox/1-first/*000[1-9]-*.patch; }
# header NAME MAIL: without its folds
header() { sed '/^$/q' "$2" | sed ':a;N;$!ba;s/\n[ \t]\+/ /g' | sed -n "s/^$1: //p"; }

mbox_refuses_without_a_sign_off() {
	setup_mail
	import >/dev/null
	unchanged refuses "Developer's Certificate of Origin.*docs.kernel.org.*make mbox POSTING=1-first SIGNOFF=" \
		env -u SIGNOFF SERIES_DIR="$d" "$root/scripts/series/mbox"
	SIGNOFF='' refuses 'make mbox POSTING=1-first SIGNOFF=' mbox
	[ ! -e "$d/build/mbox" ]
}
mbox_refuses_a_bad_sign_off() {
	setup_mail
	import >/dev/null
	# shellcheck disable=SC2016 # not to be expanded
	for bad in Sender sender@example.org '<sender@example.org>' ' <sender@example.org>' \
		'Sender <sender>' 'Sender <sender@example>' 'Sender <a b@example.org>' \
		'Sender sender@example.org' 'Sender <sender@example.org> more' \
		'Sender <sender@example.org>, B <b@example.org>' \
		'A "B" <sender@example.org>' 'A $B <sender@example.org>' \
		"$(printf 'Sender <sender@example.org>\nCc: B <b@example.org>')" \
		"$(printf '\344 <sender@example.org>')"; do
		SIGNOFF=$bad refuses "form 'Name <address>'.*make mbox POSTING=1-first SIGNOFF=" mbox
	done
	SIGNOFF='Sender <sender@Example.Invalid>' refuses 'nobody can answer' mbox
	SIGNOFF='Your Name <you@your.domain>' refuses 'nobody can answer' mbox
	[ ! -e "$d/build/mbox" ]
}
mbox_makes_what_is_in_the_tree() {
	setup_mail
	import >/dev/null
	unchanged mbox
	g clone -q "$d/build/tree" "$work/clone"
	g -C "$work/clone" checkout -q HEAD~3
	# shellcheck disable=SC2046 # no blanks in them
	g -C "$work/clone" am -q $(mails)
	g -C "$work/clone" log -2 --format=%T >"$work/got"
	rm -rf "$work/clone"
	in_tree log -2 --format=%T 1-first | diff - "$work/got"
	[ "$(ls "$d/build")" = "$(printf 'mbox\ntree')" ] || say "left: $(ls "$d/build")"
}
mbox_is_from_the_sender_alone() {
	setup_mail
	import >/dev/null
	mbox
	for mail in "$d"/build/mbox/1-first/*.patch; do
		[ "$(header From "$mail")" = 'Sender <sender@example.org>' ] ||
			say "$(header From "$mail")"
	done
	for mail in $(mails); do
		[ "$(grep -c '^Signed-off-by: ' "$mail")" = 1 ] || say "$(cat "$mail")"
		# The last line of the message
		sed '/^---$/q' "$mail" | tail -n 2 | head -n 1 |
			grep -q -x 'Signed-off-by: Sender <sender@example.org>' ||
			say "$(cat "$mail")"
	done
	! grep -r -i invalid "$d/build/mbox"
}
mbox_keeps_an_author_who_is_known() {
	setup_mail
	sed -i 's/^From: A <.*/From: Author <author@example.org>/' "$first"/0002*
	import >/dev/null
	mbox
	mail=$(mails | tail -n 1)
	[ "$(header From "$mail")" = 'Sender <sender@example.org>' ] || say "$(cat "$mail")"
	grep -q -x 'From: Author <author@example.org>' "$mail" || say "$(cat "$mail")"
}
mbox_encodes_the_name_of_the_sender() {
	setup_mail
	import >/dev/null
	SIGNOFF="J. Sënder, Jr <sender@example.org>" mbox
	for mail in "$d"/build/mbox/1-first/*.patch; do
		[ "$(sed '/^$/q' "$mail" | git mailinfo /dev/null /dev/null | sed -n 's/^Author: //p')" = \
			"J. Sënder, Jr" ] || say "$(header From "$mail")"
		! sed '/^$/q' "$mail" | grep -a '[^ -~]' || say 'not encoded'
	done
}
mbox_names_who_gets_a_mail_once() {
	setup_mail
	import >/dev/null
	mbox
	r='Reviewer <reviewer@example.org>'
	k='Keyword <keyword@example.org>'
	lists='linux-mm@kvack.org, linux-kernel@vger.kernel.org'
	for mail in "$d"/build/mbox/1-first/*.patch; do
		case $mail in
		*0000*) cc="$r, $k, $lists, list@example.org" ;;
		*0001*) cc="$r, $k, $lists" ;;
		*) cc="Reviewer <Reviewer@example.org>, list@example.org, $lists" ;;
		esac
		header To "$mail" | grep -q -x '=?utf-8?[bq]?[^ ]*?= <maintainer@example.org>' ||
			say "${mail##*/}: To: $(header To "$mail")"
		[ "$(header Cc "$mail")" = "$cc" ] || say "${mail##*/}: Cc: $(header Cc "$mail")"
	done
}
mbox_is_one_thread() {
	setup_mail
	import >/dev/null
	mbox
	cover=$(header Message-I[dD] "$d/build/mbox/1-first/0000-cover-letter.patch")
	[ -n "$cover" ]
	for mail in $(mails); do
		[ "$(header In-Reply-To "$mail")" = "$cover" ] || say "$(cat "$mail")"
	done
	[ "$(grep -i '^Message-Id: <' "$d/build/mbox/1-first/series.mbx" | sort -u | wc -l)" = 3 ]
}
mbox_begins_with_the_cover_letter() {
	setup_mail
	import >/dev/null
	mbox
	cover=$d/build/mbox/1-first/0000-cover-letter.patch
	[ "$(header Subject "$cover")" = '[PATCH mm 0/2] The subject' ] || say "$(cat "$cover")"
	sed '1,/^$/d' "$cover" >"$work/text"
	printf '%s\n' 'The text, line one,' 'and two.' '' 'Sender (2):' \
		'  a: write three' '  c: new file' '' | diff - "$work/text" | grep '^<' &&
		say 'that is not in the cover letter'
	grep -q '2 files changed' "$work/text"
	[ "$(tail -n 1 "$work/text")" = 'Applies to Linux 7.' ] || say "$(cat "$cover")"
	! grep -r -F "$d" "$d/build/mbox"
}
mbox_names_the_package_it_applies_to() {
	setup_mail
	import >/dev/null
	echo 'linux-source-7.3 7.3 0123' >"$d/build/tree/.git/series-base"
	mbox
	tail -n 2 "$d/build/mbox/1-first/0000-cover-letter.patch" | paste -s -d ' ' |
		grep -q 'Linux 7 as in Debian.s linux-source-7.3, version 7.3. There is no git commit'
	! grep -r base-commit "$d/build/mbox"
}
mbox_names_the_commit_of_a_kernel_in_git() {
	setup_mail
	g -C "$d/kernel" init -q
	g -C "$d/kernel" add -A -f
	g -C "$d/kernel" commit -q -m base
	import >/dev/null
	mbox
	grep -q -x "base-commit: $(g -C "$d/kernel" rev-parse HEAD)" \
		"$d/build/mbox/1-first/0000-cover-letter.patch"
	! grep -r -F "$d" "$d/build/mbox"
}
mbox_takes_options_of_git_format_patch() {
	setup_mail
	import >/dev/null
	mbox -v2
	[ "$(header Subject "$d/build/mbox/1-first/v2-0000-cover-letter.patch")" = '[PATCH mm v2 0/2] The subject' ]
}
mbox_of_the_second_posting_says_what_it_depends_on() {
	setup_mail
	g -C "$d/kernel" init -q
	g -C "$d/kernel" add -A -f
	g -C "$d/kernel" commit -q -m base
	import >/dev/null
	mbox
	POSTING=2-second unchanged mbox
	[ "$(cd "$d/build/mbox" && echo */*.patch)" = \
		'1-first/0000-cover-letter.patch 1-first/0001-a-write-three.patch 1-first/0002-c-new-file.patch 2-second/0000-cover-letter.patch 2-second/0001-b-write-three.patch' ] ||
		say "$(ls "$d/build/mbox"/*)"
	cover=$d/build/mbox/2-second/0000-cover-letter.patch
	[ "$(header Subject "$cover")" = '[PATCH mm 0/1] The other subject' ] || say "$(cat "$cover")"
	grep -q -x 'Depends on "The subject".' "$cover" || say "$(cat "$cover")"
	in_tree log --reverse -p refs/series/base..1-first | git patch-id --stable |
		sed 's/^\([^ ]*\).*/prerequisite-patch-id: \1/' >"$work/want"
	[ "$(wc -l <"$work/want")" = 2 ]
	sed -n '/^base-commit: /,$p' "$cover" | sed 1d | diff "$work/want" -
	g clone -q "$d/build/tree" "$work/clone"
	g -C "$work/clone" checkout -q origin/1-first
	g -C "$work/clone" am -q "$d"/build/mbox/2-second/0001*
	g -C "$work/clone" log -1 --format=%T >"$work/got"
	rm -rf "$work/clone"
	in_tree log -1 --format=%T | diff - "$work/got"
	! grep Depends "$d/build/mbox/1-first/0000-cover-letter.patch"
}
mbox_refuses_an_unknown_posting() {
	setup_mail
	import >/dev/null
	POSTING='' refuses "none of '1-first 2-second'.*make mbox POSTING=1-first SIGNOFF=\"Sender" mbox
	POSTING=first refuses "POSTING='first' is none of '1-first 2-second'" mbox
	POSTING='1-first 2-second' refuses "is none of '1-first 2-second'" mbox
	POSTING=2-second SIGNOFF='' refuses 'make mbox POSTING=2-second SIGNOFF="Your' mbox
	[ ! -e "$d/build/mbox" ]
}
mbox_refuses_a_posting_without_a_cover_letter_or_patches() {
	setup_mail
	import >/dev/null
	mv "$first/cover-letter.txt" "$work/letter"
	POSTING=2-second refuses 'git checkout patches/1-first/cover-letter.txt' mbox
	mv "$work/letter" "$first/cover-letter.txt"
	rm "$second/cover-letter.txt"
	POSTING=2-second refuses 'git checkout patches/2-second/cover-letter.txt' mbox
	rm "$second"/*.patch
	import >/dev/null
	POSTING=2-second refuses 'patches/2-second has no patches' mbox
}
mbox_refuses_when_a_posting_ends_elsewhere() {
	setup_mail
	import >/dev/null
	in_tree branch -q -f 1-first HEAD~2
	unchanged refuses 'make export' mbox
}
mbox_prints_how_to_send_the_mails() {
	setup_mail
	import >/dev/null
	mbox
	tail -n 1 "$work/mbox.out" |
		grep -q '^git send-email .*--from="Sender <sender@example.org>" build/mbox/1-first/\*.patch$'
}
mbox_refuses_uncommitted_work() {
	setup_mail
	import >/dev/null
	echo more >>"$d/build/tree/mm/b.c"
	unchanged refuses uncommitted mbox
}
mbox_refuses_patches_changed_by_hand() {
	setup_mail
	import >/dev/null
	change_patch
	unchanged refuses 'make tree' mbox
}
mbox_refuses_unexported_commits() {
	setup_mail
	import >/dev/null
	commit mm/b.c more
	unchanged refuses 'make export' mbox
}
mbox_says_how_to_make_the_tree() {
	setup_mail
	refuses 'make tree' mbox
}
mbox_refuses_half_a_kernel() {
	setup_mail
	rm "$d/kernel/scripts/get_maintainer.pl"
	import >/dev/null
	unchanged refuses 'no scripts/get_maintainer.pl.*make tree' mbox
}
mbox_leaves_no_mails_that_checkpatch_refuses() {
	setup_mail
	printf '#!/bin/sh\nexit 1\n' >"$d/kernel/scripts/checkpatch.pl"
	import >/dev/null
	mkdir -p "$d/build/mbox/1-first"
	unchanged refuses 'checkpatch.pl.*build/mbox.log' mbox
	[ ! -e "$d/build/mbox/1-first" ] && [ ! -e "$d/build/mbox.tmp" ]
}
mbox_leaves_no_mails_that_b_four_refuses() {
	setup_mail
	: >"$work/bin/no"
	import >/dev/null
	unchanged refuses 'b4.*build/mbox.log' mbox
	[ ! -e "$d/build/mbox/1-first" ] && [ ! -e "$d/build/mbox.tmp" ]
}

# --- another base

move() { SERIES_DIR=$d KERNEL=$d/kernel2 "$root/scripts/series/move"; }
in_move() { g -C "$d/build/move" "$@"; }
# import, and a second kernel, which is like the first
setup_move() {
	import >/dev/null
	cp -R "$d/kernel" "$d/kernel2"
	echo 'VERSION = 8' >"$d/kernel2/Makefile"
}
move_says_that_patches_apply() {
	setup_move
	unchanged move >"$work/out"
	[ "$(grep -c '^[12]-.*\.patch: applies$' "$work/out")" = 3 ] || say "$(cat "$work/out")"
	[ "$(in_move log -1 --format=%s 1-first)" = 'c: new file' ] || say "$(in_move log --oneline)"
	[ "$(in_move show HEAD:Makefile)" = 'VERSION = 8' ]
	grep -q three "$d/build/move/mm/a.c"
}
move_merges_what_has_another_context() {
	setup_move
	sed -i 's/^6$/six/' "$d/kernel2/mm/a.c"
	unchanged move >"$work/out"
	grep -q -x '1-first/0001-a-write-three.patch: merges' "$work/out" || say "$(cat "$work/out")"
	grep -q six "$d/build/move/mm/a.c" && grep -q three "$d/build/move/mm/a.c"
}
move_names_the_files_that_conflict_and_goes_on() {
	setup_move
	sed -i 's/^3$/drei/' "$d/kernel2/mm/a.c"
	unchanged refuses 'rebase -i refs/series/base' move
	grep -q -x '1-first/0001-a-write-three.patch: conflicts in mm/a.c' "$work/out" ||
		say "$(cat "$work/out")"
	grep -q -x '2-second/0001-b-write-three.patch: applies' "$work/out" ||
		say "$(cat "$work/out")"
	grep -q '^<<<<<<<' "$d/build/move/mm/a.c" && [ -z "$(in_move status --porcelain)" ]
	[ "$(in_move log --format=%s refs/series/base.. | wc -l)" = 3 ]
}
move_says_what_the_new_base_has() {
	setup_move
	echo new >"$d/kernel2/mm/c.c"
	sed -i 's/^3$/three/' "$d/kernel2/mm/a.c"
	unchanged move >"$work/out"
	grep -q -x '1-first/0001-a-write-three.patch: is in the new base' "$work/out" ||
		say "$(cat "$work/out")"
}
move_makes_a_tree_that_can_take_the_place_of_the_old_one() {
	setup_move
	sed -i 's/^6$/six/' "$d/kernel2/mm/a.c"
	move >/dev/null
	rm -rf "$d/build/tree"
	mv "$d/build/move" "$d/build/tree"
	in_tree fsck --connectivity-only >/dev/null 2>&1
	refuses 'make export' run clean
	run export
	grep -q '^ six$' "$first/0001-a-write-three.patch" || say "$(cat "$first"/0001*)"
	rm -rf "$d/build/tree"
	KERNEL=$d/kernel2 import >/dev/null
}
move_refuses_the_base_of_the_tree() {
	import >/dev/null
	KERNEL=$d/kernel unchanged refuses 'has the base .* already' env SERIES_DIR="$d" KERNEL="$d/kernel" "$root/scripts/series/move"
}
move_keeps_what_an_earlier_one_made() {
	setup_move
	move >/dev/null
	refuses 'rm -rf build/move' move
}
move_says_how_to_make_the_tree() {
	mkdir "$d/kernel2"
	refuses "make tree" move
}

# --- fetching

deb() { echo "$d/build/linux-source-7.3_7.3_all.deb"; }
fetch_refuses_a_wrong_hash_and_prints_both() {
	echo bad >"$(deb)"
	has=$(sha256sum <"$(deb)")
	refuses "${has%% *}.*$(printf %064d 1)" run fetch
	[ ! -e "$(deb)" ] || say "the file is still there"
}
fetch_takes_a_download_that_is_there() {
	echo good >"$(deb)"
	has=$(sha256sum <"$(deb)")
	echo "sha256=${has%% *}" >>"$d/base.env"
	(PATH=$work/bin:$PATH run fetch)
}
# An apt for a mirror whose package list is $1.
fake_apt() {
	mkdir -p "$work/bin"
	cat >"$work/bin/apt-get" <<EOF
#!/bin/sh
case \$* in
*indextargets*) echo 'Debian|Debian|main|mirror:/debian/' ;;
*update*) [ -z '$1' ] || touch '$d/build/apt/lists/x_Packages' ;;
esac
EOF
	cat >"$work/bin/apt-cache" <<EOF
#!/bin/sh
case \$* in
*madison*) echo 'linux-source-7.3 | 7.9 | sid' ;;
*show*) printf 'Package: linux-source-7.9\nVersion: 7.9-1\nSHA256: 0123\n' ;;
esac
EOF
	chmod +x "$work/bin/apt-get" "$work/bin/apt-cache"
}
fetch_offers_other_versions_when_its_own_is_gone() {
	fake_apt list
	PATH=$work/bin:$PATH refuses 'no linux-source-7.3 7.3 any more' run fetch
	grep -A 2 -x package=linux-source-7.9 "$work/out" | tr '\n' ' ' |
		grep -qx 'package=linux-source-7.9 version=7.9-1 sha256=0123 ' ||
		say "$(cat "$work/out")"
}
fetch_says_when_there_is_no_network() {
	fake_apt ''
	PATH=$work/bin:$PATH refuses 'check the network' run fetch
}

# --- results

# checks COMMAND TEXT: a script of that name with the TEXT, in which json prints what
# build/results.json has of it
checks() {
	SERIES_DIR=$d sh -c '. "${0%/*}/../lib/lib.sh"; . "$root/scripts/lib/results.sh"; '"$2" \
		"$root/scripts/verify/$1"
}
json() {
	python3 -c 'import json, sys
group = json.load(open(sys.argv[1]))[sys.argv[2]]
print(group["complete"], *[c["name"] + "=" + c["outcome"] for c in group["checks"]])' \
		"$d/build/results.json" "$1"
}
results_are_in_json() {
	fails checks one 'check a "see a" true; check b "see
		b" false; skip c "no c"; finish' >"$work/out"
	[ "$(json one)" = 'True a=passed b=failed c=skipped' ] || say "$(json one)"
	[ "$(tail -n 1 "$work/out")" = '1 passed, 1 failed, 1 skipped' ] || say "$(cat "$work/out")"
	grep -q '"command": "see  *b"' "$d/build/results.json"
}
results_of_one_command_leave_those_of_another() {
	checks one 'check a a true; finish' >/dev/null
	checks two 'check b b true; finish' >/dev/null
	[ "$(json one)" = 'True a=passed' ] && [ "$(json two)" = 'True b=passed' ]
}
results_of_a_run_that_stops_are_not_complete() {
	fails checks one 'check a a true; die "no more"; finish' >/dev/null 2>&1
	[ "$(json one)" = 'False a=passed' ] || say "$(json one)"
}
results_count_the_lines_of_a_function() {
	fails checks one 'f() { echo "ok - x"; echo "not ok - y"; echo "ok - z # SKIP why"; echo more; }
		results all "see all" f; finish' >"$work/out"
	[ "$(json one)" = 'True x=passed y=failed z=skipped' ] || say "$(json one)"
	grep -q '# SKIP why$' "$work/out" && ! grep -q more "$work/out"
}
results_fail_when_a_function_fails_without_a_word() {
	fails checks one 'f() { echo "ok - x"; return 3; }; results all "see all" f; finish' >"$work/out"
	grep -q '^not ok - all ends well (it ended with 3)' "$work/out" || say "$(cat "$work/out")"
	fails checks one 'results none "see none" true; finish' >"$work/out"
	grep -q '^not ok - none gives results' "$work/out" || say "$(cat "$work/out")"
}
results_name_the_slowest_last() {
	checks one 'check slow a sleep 1.1; check fast b true; finish' >"$work/out"
	grep -A 1 '^The slowest:$' "$work/out" | grep -q '^ *1\.[0-9] s  slow$' || say "$(cat "$work/out")"
	! grep -q ' s  fast$' "$work/out"
}
results_of_some_checks_only() {
	checks one 'only="^b"; check a a false; check b b true; finish' >"$work/out"
	[ "$(json one)" = 'True b=passed' ] || say "$(json one)"
	refuses "no check matches 'q'" checks one 'only=q; check a a true; finish'
}
results_that_need_the_base_are_skipped_on_another() {
	mkdir -p "$d/build/tree/.git"
	echo 'KERNEL=/k with files 1' >"$d/build/tree/.git/series-base"
	checks one 'needs_base a a true; check b b true; finish' >/dev/null
	[ "$(json one)" = 'True a=skipped b=passed' ] || say "$(json one)"
	echo 'linux-source-7.3 7.3 0' >"$d/build/tree/.git/series-base"
	checks one 'needs_base a a true; finish' >/dev/null
	[ "$(json one)" = 'True a=passed' ] || say "$(json one)"
}
results_of_a_single_check() {
	fails checks one 'single all; exit 1'
	[ "$(json one)" = 'True all=failed' ] || say "$(json one)"
	checks one 'single all; true'
	[ "$(json one)" = 'True all=passed' ]
}

# --- the model

model_fails_when_spin_finds_nothing() {
	mkdir -p "$work/bin"
	printf '#!/bin/sh\n' >"$work/bin/spin"
	chmod +x "$work/bin/spin"
	if PATH=$work/bin:$PATH run model >"$work/out" 2>&1; then
		say 'it does not fail'
	fi
	grep -q '^not ok - spin, 2 passes' "$work/out" &&
		grep -q '^not ok - spin finds the bug TWICE' "$work/out" &&
		! grep '^ok - ' "$work/out"
}

# --- the semantic patch

cocci_says_how_to_make_the_tree() {
	refuses 'make tree' run cocci
}

# --- the rest

clean_keeps_the_download_and_unexported_commits() {
	import >/dev/null
	echo deb >"$(deb)"
	mkdir "$d/build/uml"
	commit mm/b.c more
	unchanged refuses 'make export' run clean
	[ -f "$(deb)" ] && [ ! -e "$d/build/uml" ]
}
clean_keeps_commits_of_other_branches() {
	import >/dev/null
	in_tree checkout -q -b mine
	commit mm/b.c more
	in_tree checkout -q series
	unchanged refuses 'make export' run clean
}
clean_keeps_where_a_posting_ends() {
	import >/dev/null
	in_tree branch -q -f 1-first HEAD~2
	unchanged refuses 'make export' run clean
}
clean_keeps_uncommitted_work() {
	import >/dev/null
	echo more >>"$d/build/tree/mm/b.c"
	unchanged refuses 'uncommitted' run clean
}
clean_removes_a_tree_that_patches_hold() {
	import >/dev/null
	run clean
	[ ! -e "$d/build/tree" ]
}
packages_names_what_only_root_can_install() {
	mkdir -p "$work/bin"
	printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
	chmod +x "$work/bin/id"
	refuses 'apt-get install.* flex .*gcc .*git ' env PATH="$work/bin" /bin/sh "$root/scripts/lib/packages"
}
demo_refuses_a_path_with_a_space() {
	d="$work/a series"
	first=$d/patches/1-first second=$d/patches/2-second
	setup
	refuses 'space' run demo
}
stress_names_the_list_for_what_it_cannot_run() {
	for arg in mmap uml uml/ '#' uml/no-such 'uml/m.ap'; do
		refuses 'no program.*tests/stress-programs' \
			env SERIES_DIR="$d" "$root/scripts/verify/stress" "$arg"
	done
	refuses 'no program.*tests/stress-programs' \
		env SERIES_DIR="$d" "$root/scripts/verify/stress" uml/mmap uml/fork
}
stress_names_the_list_for_a_fault_it_lacks() {
	refuses 'no fault .*all_faults' \
		env SERIES_DIR="$d" "$root/scripts/verify/stress" faults not-run
}
stress_wants_a_tree() {
	refuses "make tree" env SERIES_DIR="$d" "$root/scripts/verify/stress" uml/mmap
}

# --- run them

# shellcheck disable=SC2046 # names
[ $# -gt 0 ] || set -- $(sed -n 's/^\([A-Za-z_]*_[A-Za-z_]*_[A-Za-z_]*\)() {$/\1/p' "$0")
failed=0
for t in "$@"; do
	# Its own shell, whose "set -e" holds.
	set +e
	(set -e && setup && "$t") >"$work/log" 2>&1
	status=$?
	set -e
	rm -rf "${work:?}/bin"
	name=$(echo "$t" | tr _ ' ')
	if [ "$status" = 0 ]; then
		echo "ok - $name"
	else
		cat "$work/log"
		echo "not ok - $name"
		failed=1
	fi
done
exit "$failed"
