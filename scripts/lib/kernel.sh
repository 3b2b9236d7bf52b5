# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154,SC2164 # variables and set -e of lib.sh
# Kernels: their sources, how they are built and booted, and what they print.
# Sourced after lib.sh, never run.

# Before anything runs the kernel's own make: it takes no path with a space or
# a colon, it would obey variables meant for other builds, and its Python
# scripts want the system's Python, not one that shadows it.
kernel_env() {
	case $top in
	*[[:space:]:]*) die "the kernel's make takes no path with a space or a colon: move '$top'" ;;
	esac
	unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES ARCH CROSS_COMPILE O M W C V \
		KBUILD_OUTPUT KBUILD_EXTMOD KCONFIG_CONFIG KCONFIG_ALLCONFIG \
		KERNEL ARGS CFLAGS LDFLAGS KCFLAGS
	if [ -x /usr/bin/python3 ]; then
		PATH=/usr/bin:/bin:$PATH
	fi
	[ -d "$tree" ] || die "there is no build/tree: type 'make tree'"
}

# uml_dir CONFIG: where the kernel for configs/kunit-CONFIG.config is built, for
# x86_64 if CONFIG starts with that. That of simgpu also serves the demo.
uml_dir() {
	case $1 in
	simgpu) echo "$build/uml" ;;
	x86*) echo "$build/kunit-$1" ;;
	*) echo "$build/uml-$1" ;;
	esac
}

# uml_args CONFIG: what its user-mode Linux is booted with. In simulated time, which
# is for one CPU, a test that waits for seconds takes none.
uml_args() {
	case $1 in
	smp) echo ncpus=2 seccomp=on ;;
	*) echo time-travel=inf-cpu ;;
	esac
}

# kunit_py CONFIG COMMAND [ARGUMENT...]: the kernel's KUnit tool on a build for
# mm/tests/.kunitconfig and configs/kunit-CONFIG.config, and for x86_64
# configs/kunit-x86.config, too. What build_demo_kernel has built is then
# no longer known to be current, so its note of that goes first.
kunit_py() (
	_name=$1 _dir=$(uml_dir "$1") _cmd=$2
	shift 2
	set -- --kunitconfig "$root/configs/kunit-$_name.config" \
		--build_dir "$_dir" --jobs "$jobs" "$@"
	case $_name in
	x86*) set -- --arch=x86_64 --kunitconfig "$root/configs/kunit-x86.config" "$@" ;;
	esac
	rm -f "$_dir/series-built"
	cd "$tree"
	# The kernel without the series has none of these.
	[ ! -f mm/tests/.kunitconfig ] || set -- --kunitconfig mm/tests "$@"
	case $_name in
	*xe) ! grep -q '^config DRM_GPUSVM_KUNIT_TEST' drivers/gpu/drm/Kconfig.debug ||
		set -- --kconfig_add CONFIG_DRM_GPUSVM_KUNIT_TEST=y "$@" ;;
	esac
	exec python3 tools/testing/kunit/kunit.py "$_cmd" "$@" </dev/null
)

# qemu_without_kvm: first in PATH is then a qemu-system-x86_64 that emulates the CPU,
# whatever accelerators it is told to try: KVM may be there and not work, and what
# is emulated is the same on every machine.
qemu_without_kvm() {
	"$root/scripts/lib/packages" qemu-system-x86_64:qemu-system-x86
	_qemu=$(command -v qemu-system-x86_64)
	mkdir -p "$build/qemu"
	cat >"$build/qemu/qemu-system-x86_64" <<EOF
#!/bin/sh
n=\$#
while [ "\$n" -gt 0 ]; do
	case \$1:\$2 in
	-accel:kvm | -accel:hvf) shift 2 && n=\$((n - 2)) ;;
	*) set -- "\$@" "\$1" && shift && n=\$((n - 1)) ;;
	esac
done
exec $_qemu "\$@"
EOF
	chmod +x "$build/qemu/qemu-system-x86_64"
	PATH=$build/qemu:$PATH
}

# What a kernel prints when something is wrong with it. tests/complaints has lines
# that this must find, and others that it must not.
complaint='WARNING:|BUG:|BUG at|KASAN: |KCSAN: |KFENCE: |UBSAN: |ODEBUG: |Oops'
complaint="$complaint|general protection fault|Kernel panic|DEBUG_LOCKS_WARN_ON"
complaint="$complaint|INFO: (possible|inconsistent|trying to register|lockdep|task|rcu)"
complaint="$complaint|rcu: INFO|starved for|possible (circular|recursive)"
complaint="$complaint|list_(add|del) corruption|Call Trace:|Segfault"

# series_lines FILE: the numbers of the lines that the series adds to FILE
series_lines() {
	git -C "$tree" diff -U0 refs/series/base -- "$1" | awk '
		/^@@/ { sub(/^\+/, "", $3); line = $3 + 0; next }
		/^\+/ && line { print line++ }'
}

# object_command KERNEL OBJECT: the command by which OBJECT was compiled for the kernel
# in the directory KERNEL
object_command() { sed -n 's/^savedcmd_[^ ]* := \([^;]*\).*/\1/p' "$1/${2%/*}/.${2##*/}.cmd"; }

# object_instead OBJECT FILE: edit such a command, from stdin: it compiles FILE.c to FILE.o
object_instead() {
	sed "s, -o ${1%/*}/[^ ]* , -o '$2.o' ,
		s,Wp\,-MMD\,[^ ]*,Wp\,-MMD\,'$2.d',
		s,[^ ]*${1%.o}\.c.*,'$2.c',"
}

# object_parts OBJECT LOG: in the current directory, where a user-mode Linux was built
# with V=1, as LOG says: the commands that object_link needs, and what it links
object_parts() {
	# An archive of object files, from which this one can be left out. Its paths
	# are relative to where it is.
	_name=${1##*/}
	cp vmlinux.a "$_name.a"
	ar dP "$_name.a" "$1"
	# What is on the stack and is not initialized must not be zero by chance.
	object_command . "$1" |
		sed 's/-ftrivial-auto-var-init=zero/-ftrivial-auto-var-init=pattern/' >"$_name.compile"
	grep -a '^+ gcc .* -o vmlinux.unstripped ' "$2" | sed 's/^+ //' >"$_name.link"
	if [ ! -s "$_name.compile" ] || [ ! -s "$_name.link" ]; then
		die "no command that compiles $1 or links the kernel in ${2#"$top/"}: make object_parts in scripts/lib/kernel.sh find it"
	fi
}

# object_commands CONFIG OBJECT: build the kernel of configs/kunit-CONFIG.config, so
# that object_link can make others from it that differ in OBJECT only. build/tree and
# the kernel that was built stay as they are.
object_commands() (
	_dir=$(uml_dir "$1")
	[ -x "$_dir/linux" ] ||
		note "building user-mode Linux for configs/kunit-$1.config (some minutes, once)"
	# What is not there is linked, and V=1 prints the commands.
	rm -f "$_dir/vmlinux.unstripped"
	kunit_py "$1" build --make_options V=1 >"$build/uml-$1.log" 2>&1 ||
		die "the kernel for configs/kunit-$1.config did not build (see build/uml-$1.log): mend build/tree"
	cd "$_dir"
	object_parts "$2" "$build/uml-$1.log"
)

# object_link CONFIG OBJECT FILE [FLAG...]: compile FILE.c in the place of what OBJECT is
# made from, with the additional FLAGS, and link the kernel FILE. Fails if FILE.c does
# not compile.
object_link() (
	cd "$(uml_dir "$1")"
	_object=$2 _name=${2##*/} _file=$3
	shift 3
	_compile=$(object_instead "$_object" "$_file" <"$_name.compile")
	eval "$_compile $*" || return
	_link=$(sed "s, -o vmlinux.unstripped , -o '$_file' ,
		s, vmlinux\.a , $_name.a '$_file.o' ," "$_name.link")
	eval "$_link $*" || die "no kernel could be linked with $_file.o"
)

# suite_run CONFIG KERNEL SECONDS SUITE: run the KUnit suite SUITE in KERNEL. Fails
# unless all cases pass in these SECONDS of CPU time, so that other load does not
# matter, and the kernel does not complain. The output is in KERNEL.log. What has
# failed is ended at once, by force: a broken kernel may not react to other signals.
suite_run() (
	: >"$2.log"
	# shellcheck disable=SC2046 # a list
	timeout -k 1 "$(($3 * 10))" prlimit --cpu="$3" "$2" mem=1G console=tty \
		kunit_shutdown=halt kunit.enable=1 kunit.filter_glob="$4" \
		$(uml_args "$1") \
		>"$2.log" 2>&1 </dev/null &
	while kill -0 $! 2>/dev/null; do
		! grep -a -q -E "not ok|$complaint" "$2.log" ||
			kill -KILL -- -$! 2>/dev/null || :
		sleep 0.1
	done
	grep -a -q "^ok 1 $4\$" "$2.log" &&
		! grep -a -q -E "not ok|$complaint" "$2.log"
)

# base_tree: build/base is the kernel without the series, made anew when the base
# has changed.
base_tree() {
	_id=$(git -C "$tree" rev-parse refs/series/base)
	[ "$_id" != "$(cat "$build/base.id" 2>/dev/null)" ] || return 0
	note "unpacking the kernel without the series"
	rm -rf "$build/base" "$build/base.id"
	mkdir "$build/base"
	git -C "$tree" archive "$_id" | tar -xf - -C "$build/base" ||
		die "could not make build/base: is the disk full? It needs 2 GB; then try again"
	echo "$_id" >"$build/base.id"
}

# source_of NAME: where the kernel "base", without the series, or "series" is
source_of() { case $1 in base) echo "$build/base" ;; *) echo "$tree" ;; esac; }

# source_at DIRECTORY COMMIT: DIRECTORY is the kernel of COMMIT: hard links to
# build/base, apart from what the series changes.
source_at() {
	base_tree
	if [ "$(cat "$build/base.id")" != "$(cat "$1.id" 2>/dev/null)" ]; then
		rm -rf "$1" "$1.id"
		mkdir -p "${1%/*}"
		cp -al "$build/base" "$1"
		cp "$build/base.id" "$1.id"
	fi
	for _f in $(git -C "$tree" diff --no-renames --name-only refs/series/base refs/heads/series); do
		if git -C "$tree" show "$2:$_f" >"$1.file" 2>/dev/null; then
			cmp -s "$1.file" "$1/$_f" || {
				_file=$1/$_f
				mkdir -p "${_file%/*}"
				cp --remove-destination "$1.file" "$_file"
			}
		else
			rm -f "$1/$_f"
		fi
	done
}

# built_from SOURCE FILE...: what identifies a kernel that is built from SOURCE, which
# is build/base or build/tree, with the configuration in the FILEs. Nothing if
# build/tree has changes of its own: there is no name for those.
built_from() {
	_id=$(cat "$build/base.id" 2>/dev/null) || :
	if [ "$1" = "$tree" ]; then
		[ -z "$(git -C "$tree" status --porcelain | head -n 1)" ] || return 0
		_id=$(git -C "$tree" rev-parse 'HEAD^{tree}')
	fi
	shift
	echo "$_id"
	cat "$@" | sha256sum
}

# kernel_make SOURCE OUTPUT ARCH CONFIG [ARGUMENT...]: the kernel's make for a
# configuration of its own: the lines of the file CONFIG, and configs/Kconfig (or
# the file that kernel_kconfig names), which has what can't be chosen.
kernel_make() {
	_source=$1 _output=$2 _arch=$3 _config=$4
	_kconfig=${kernel_kconfig:-$root/configs/Kconfig} _variables=
	shift 4
	mkdir -p "$_output"
	{
		sed '/^mainmenu /q' "$_source/Kconfig"
		cat "$_kconfig"
		sed '1,/^mainmenu /d' "$_source/Kconfig"
	} >"$_output/series.Kconfig"
	if ! cat "$_config" "$_kconfig" | cmp -s - "$_output/series.config"; then
		# The compiler, for example, is part of the configuration.
		for _argument; do
			case $_argument in *=*) _variables="$_variables $_argument" ;; esac
		done
		# shellcheck disable=SC2086 # a list
		make -s -C "$_source" O="$_output" ARCH="$_arch" $_variables \
			KBUILD_KCONFIG="$_output/series.Kconfig" \
			KCONFIG_ALLCONFIG="$_config" allnoconfig || return
		# A symbol that is gone, or lacks a dependency, is left out silently.
		while read -r _symbol; do
			case $_symbol in
			CONFIG_*=*) grep -qxF -- "$_symbol" "$_output/.config" ||
				die "$_symbol of ${_config#"$root/"} has no effect: correct it" ;;
			esac
		done <"$_config"
		cat "$_config" "$_kconfig" >"$_output/series.config"
	fi
	# LOCALVERSION: no "+" in the release for a source that git manages. A kernel
	# that is built again, or elsewhere, is the same to the byte.
	make -s -j "$jobs" -C "$_source" O="$_output" ARCH="$_arch" LOCALVERSION= \
		KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_USER=series KBUILD_BUILD_HOST=series \
		KBUILD_KCONFIG="$_output/series.Kconfig" "$@"
}

# did_not_build NAME LOG
did_not_build() {
	cat "$2" >&2
	die "$1 did not build: mend it (the errors are above and in ${2#"$top/"}), or type 'make packages' if a program is missing"
}

# is_built KERNEL IMAGE FROM: IMAGE was built in the directory KERNEL, from what
# built_from calls FROM
is_built() { [ -f "$2" ] && [ -n "$3" ] && [ "$3" = "$(cat "$1/series-built" 2>/dev/null)" ]; }

# build_kernel NAME SOURCE OUTPUT ARCH CONFIG LOG ARGUMENT...: as kernel_make does, but
# not again what is built. The build system needs ten seconds to find out that there is
# nothing to do, so what was built is noted.
build_kernel() {
	_what=$1 _kernel=$3 _log=$6
	case $4 in um) _image=$3/linux ;; *) _image=$3/arch/x86/boot/bzImage ;; esac
	_from=$(built_from "$2" "$5" "${kernel_kconfig:-$root/configs/Kconfig}")
	[ -z "$_from" ] || _from="$_from $(shift 6 && echo "$*")"
	! is_built "$_kernel" "$_image" "$_from" || return 0
	[ -f "$_image" ] || note "building a kernel, $_what (some minutes, once)"
	rm -f "$_kernel/series-built"
	(
		source=$2 arch=$4 config=$5
		shift 6
		kernel_make "$source" "$_kernel" "$arch" "$config" "$@"
	) >>"$_log" 2>&1 </dev/null || did_not_build "the kernel $_what" "$_log"
	echo "$_from" >"$_kernel/series-built"
}

# pack DIRECTORY FILE: FILE.gz is the initramfs with the files in DIRECTORY, whose
# times and numbers of inodes are not in it.
pack() {
	(cd "$1" && find . -exec touch -h -d @0 {} + &&
		find . -mindepth 1 -printf '%P\n' | sort |
		cpio -o -H newc -R 0:0 --reproducible --quiet) >"$2" &&
		gzip -1 -n -f "$2"
}

# simgpu SOURCE KERNEL OUTPUT [ARGUMENT...]: build simgpu/ in OUTPUT for the
# user-mode Linux that was built from SOURCE in KERNEL, and run it there in
# simulated time, the program with the ARGUMENTs. Prints what the program prints.
simgpu() (
	_source=$1 _kernel=$2 _out=$3
	_short=${_out#"$root/"}
	shift 3
	mkdir -p "$_out/initramfs"
	{
		make -s -C "$_source" O="$_kernel" ARCH=um M="$root/simgpu" \
			MO="$_out" modules &&
			gcc -static -O2 -Wall -Wextra -pthread \
				-o "$_out/initramfs/init" \
				"$root/simgpu/main.c" "$root/simgpu/demo.c" \
				"$root/simgpu/bench.c" "$root/simgpu/check.c" \
				"$root/simgpu/gpu.c" &&
			cp "$_out/simgpu.ko" "$_out/initramfs/" &&
			pack "$_out/initramfs" "$_out/initramfs.cpio"
	} >"$_out/compile.log" 2>&1 || did_not_build simgpu/ "$_out/compile.log"

	# loglevel=5 shows warnings and worse. Words that the kernel doesn't know,
	# like "check", become arguments of /init.
	timeout -k 5 300 "$_kernel/linux" time-travel=inf-cpu mem=256M \
		uml_dir="$_out/" initrd="$_out/initramfs.cpio.gz" con=null \
		con0=fd:0,fd:1 kunit.enable=0 loglevel=5 "$@" \
		</dev/null 2>&1 | tr -d '\r' >"$_out/console.log"

	# The program's own lines are those between two of its marks.
	sed -n '/^simgpu: begin$/,/^simgpu: status /p' "$_out/console.log" |
		sed '/^simgpu: begin$/d; /^simgpu: status /d'

	# User-mode Linux does not hand on the status of its first process.
	grep -q '^simgpu: status 0$' "$_out/console.log" ||
		die "simgpu did not end well, or not within 300 s: see $_short/console.log"
	! grep -a -q -E "$complaint" "$_out/console.log" ||
		die "the kernel complained: see $_short/console.log"
)
