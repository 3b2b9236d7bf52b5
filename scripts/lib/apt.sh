# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154,SC2164 # variables and set -e of lib.sh
# An apt of its own for the Debian mirror. Sourced after lib.sh, never run.

# private_apt WHAT INSTEAD: an apt for the Debian mirror (and proxy) of the
# system's configuration, with lists and a cache of its own in build/apt: no root
# needed, and the system's package lists stay as they are. It has no suites yet.
# If there can be none, the error is about WHAT, and says to do INSTEAD.
private_apt() {
	apt=$build/apt
	command -v apt-get >/dev/null || die "no apt-get here to download $1: $2"

	# Debian's own main archive, of the mirrors that the system uses. Before the
	# system's first "apt-get update" only the address can tell which one that is.
	# shellcheck disable=SC2016 # apt expands these
	mirror=$(apt-get indextargets \
		--format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null | awk -F '|' '
		$3 != "main" { next }
		$1 == "Debian" && $2 == "Debian" { sure = $4; exit }
		$1 == "" && $4 ~ /\/debian\/?$/ && maybe == "" { maybe = $4 }
		END { print sure != "" ? sure : maybe }')
	[ -n "$mirror" ] ||
		die "this system's apt configuration names no Debian mirror: $2"
	for keyring in /usr/share/keyrings/debian-archive-keyring.gpg \
		/usr/share/keyrings/debian-archive-keyring.pgp ''; do
		[ ! -f "$keyring" ] || break
	done
	[ -n "$keyring" ] ||
		die "no Debian keyring: type 'apt-get install debian-archive-keyring'"

	rm -rf "$apt/lists"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/download"
	: >"$apt/sources.list"
	cat >"$apt/apt.conf" <<EOF
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "/dev/null";
Dir::Cache "$apt/cache";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
APT::Sandbox::User "root";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
}

# add_suite SUITE: read its package list, too, if the mirror has it.
add_suite() {
	echo "deb [signed-by=$keyring target=Packages] $mirror $1 main" \
		>>"$apt/sources.list"
	apt-get -c "$apt/apt.conf" -qq update >"$apt/update.log" 2>&1 </dev/null || :
}

# Could the package list of any suite be read?
have_lists() { [ -n "$(find "$apt/lists" -name '*_Packages*')" ]; }

# download PACKAGE[=VERSION]...: to build/apt/download
download() {
	(cd "$apt/download" && apt-get -c "$apt/apt.conf" -qq download "$@") \
		>"$apt/download.log" 2>&1 </dev/null
}
download_error() { grep -m 1 '^[EW]:' "$apt/download.log" || echo interrupted; }
