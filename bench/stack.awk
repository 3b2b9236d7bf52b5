# SPDX-License-Identifier: GPL-2.0-only
# The stack that the deepest chain of calls among the functions mn_itree_* needs.
#
# Inputs: what gcc's -fstack-usage wrote, then objdump -d -r of the same object.
# Output: lines "figure,0,value,bytes" for the two functions where chains begin.
# Callbacks of drivers and functions of other files are not counted.

function name_of(symbol) {
	# A clone is named in only one of the two inputs.
	sub(/\..*/, "", symbol)
	return symbol
}

FNR == NR {
	n = split($1, part, ":")
	name = name_of(part[n])
	if ($2 > frame[name])
		frame[name] = $2
	next
}

/^[0-9a-f]+ <.*>:$/ {
	caller = $2
	gsub(/[<>:]/, "", caller)
	caller = name_of(caller)
	next
}

# A call, or a jump to another function, in the same section or another
/(call|jmp|j[a-z]+) +[0-9a-f]+ <[^+>]*>$/ || /R_X86_64_(PLT32|PC32)/ {
	callee = $NF
	gsub(/[<>]/, "", callee)
	sub(/[-+]0x[0-9a-f]+$/, "", callee)
	callee = name_of(callee)
	if (callee ~ /^mn_itree_/ && callee in frame && callee != caller)
		calls[caller] = calls[caller] " " callee
}

function deepest(name,    list, n, i, d, max) {
	n = split(calls[name], list, " ")
	max = 0
	for (i = 1; i <= n; i++) {
		d = deepest(list[i])
		if (d > max)
			max = d
	}
	return frame[name] + max
}

END {
	print "stack-invalidate,0," deepest("__mmu_notifier_invalidate_range_start") ",bytes"
	print "stack-release,0," deepest("__mmu_notifier_release") ",bytes"
}
