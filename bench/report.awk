# SPDX-License-Identifier: GPL-2.0-only
# Summary of bench/results/latency.csv, whose columns scripts/measure/bench describes, and
# whether the series keeps its promises:
#
# - no invalidation is faster than the longest chain, or something is wrong;
# - with deferred passes it takes at most 1.01 times as long, or, where every second
#   driver is single-pass, at most the sum of their chains and the longest of the
#   others;
# - deferred passes are nowhere slower than anything else;
# - one notifier that defers a pass for each GPU takes at most 1.01 times the longest
#   chain, and no longer than a notifier for each;
# - single-pass and two-pass drivers are nowhere slower than without the series.
#
# The simulated clock has steps of 256 ns, and every timer of User Mode Linux, those of
# the tick included, which is one in 4 ms, comes 1 ns late. What is less than that says
# nothing.
#
# Exit codes: 0 it does, 1 it does not, after a line for each cell that fails.
# The works fast, intel and busy are profiles, whose figures are published where the
# summary says. That the two of a profile make a chain is assumed, as are those of
# random.
#
BEGIN {
	FS = ","
	is["flush"] = "flush a TLB, 40 us (typical, i915's intel_tlb.c)"
	is["fast"] = "preempt 32 us (P99 by interrupt on a GV100, XSched paper),\n" \
		"then flush 4 us (2 to 6 through AMD's KIQ, Sierra on amd-gfx, 26 April 2023)"
	is["intel"] = "wait for fences 500 us (assumed),\n" \
		"then flush 40 us (typical, i915's intel_tlb.c)"
	is["busy"] = "preempt 4000 us (P99 behind 8 commands of 0.5 ms on a GV100, XSched paper),\n" \
		"then flush 100 us (pessimistic, i915's intel_tlb.c)"
	is["random"] = "1 to 3 operations of 5 to 300 us (assumed)"
	is["half single-pass"] = "as intel; the driver of every second GPU is single-pass"
	is["half single-pass random"] = "as random; the driver of every second GPU is single-pass"
	is["16 ranges"] = "as intel, in each of 16 areas of memory"
}
NR == 1 { next }
{
	cell = $2 "," $3 "," $4 "," $5
	if (!(cell in chain)) {
		chain[cell] = $8
		operations[cell] = $11
		cells[++nr_cells] = cell
		if ($2 == "munmap" && !($3 in seen)) {
			seen[$3]
			works[++nr_works] = $3
		}
		if (!($5 in gpu_seen)) {
			gpu_seen[$5]
			gpus[++nr_gpus] = $5
		}
	}
	chain[cell] = $8
	time[$1 "," $6, cell] = $7
	if ($7 < $8)
		miss(cell, $1 " " $6 ": faster than the longest chain")
	if ($1 == "series" && $6 == "deferred")
		bound[cell] = $10 ? $9 + $10 : 0
	row = $2 "," $3 "," $5
	count[$1 "," $6, row]++
	sum[$1 "," $6, row] += $7
	chains[$1 "," $6, row] += $8
}

function slack(cell, ns) { return 256 + operations[cell] + ns / 4e6 }
function miss(cell, why) { print cell ": " why; missed++ }

# column(KERNEL,MODE; ROW): mean latency in us, and how many times the longest chain
function column(mode, row)
{
	return sprintf(" %7.0f %6.2f", sum[mode, row] / count[mode, row] / 1e3,
		       sum[mode, row] / chains[mode, row])
}

function line(title, row)
{
	printf "%-8s %5.0f%s%s%s%s\n", title,
		chains["series,deferred", row] / count["series,deferred", row] / 1e3,
		column("base,single-pass", row), column("base,two-pass", row),
		column("series,multi-pass", row), column("series,deferred", row)
}

function ratio(cell, mode, name,	r)
{
	if (!((mode, cell) in time)) {
		miss(cell, mode ": not measured")
		return
	}
	r = time["series,deferred", cell] / time[mode, cell]
	if (r > worst[mode])
		worst[mode] = r
	if (time["series,deferred", cell] > time[mode, cell] + slack(cell, time[mode, cell]))
		miss(cell, "slower than " name)
}

function same(cell, mode,	base)
{
	base = time["base," mode, cell]
	if (time["series," mode, cell] > base + slack(cell, base))
		miss(cell, mode " is slower than without the series")
}

END {
	print "Latency in us, and how many times the longest chain of any one GPU that is."
	print "Single-pass and two-pass are those of the kernel without the series."
	print "That the two figures of a profile, from different devices, make a chain is assumed."
	head = "  chain    single-pass       two-pass     multi-pass       deferred"
	for (w = 1; w <= nr_works; w++) {
		n = count["series,deferred", "munmap," works[w] "," gpus[1]]
		printf "\n%s, munmap%s\n%s\nGPUs    %s\n", works[w],
			(n > 1 ? ", mean of " n " draws" : ""), is[works[w]], head
		for (g = 1; g <= nr_gpus; g++)
			line(gpus[g], "munmap," works[w] "," gpus[g])
	}
	printf "\nintel, %d GPUs, other triggers\n        %s\n", gpus[nr_gpus],
		head
	for (i = 1; i <= nr_cells; i++) {
		split(cells[i], part, ",")
		if (part[1] != "munmap" && part[4] == gpus[nr_gpus])
			line(part[1] == "MADV_DONTNEED" ? "madvise" : part[1],
			     part[1] "," part[2] "," part[4])
	}
	printf "\n%d GPUs, munmap, deferred\n             chain  notifier each   one notifier\n",
		gpus[nr_gpus]
	for (w = 1; w <= nr_works; w++) {
		row = "munmap," works[w] "," gpus[nr_gpus]
		if (("series,one-notifier", row) in count)
			printf "%-12s %5.0f%s%s\n", works[w],
				chains["series,deferred", row] / count["series,deferred", row] / 1e3,
				column("series,deferred", row),
				column("series,one-notifier", row)
	}
	print ""

	for (i = 1; i <= nr_cells; i++) {
		cell = cells[i]
		ratio(cell, "base,single-pass", "single-pass")
		ratio(cell, "base,two-pass", "two-pass")
		ratio(cell, "series,two-pass", "two-pass on the same kernel")
		ratio(cell, "series,multi-pass", "passes that wait")
		same(cell, "single-pass")
		same(cell, "two-pass")

		deferred = time["series,deferred", cell]
		if (bound[cell]) {
			if (deferred > bound[cell] + slack(cell, deferred))
				miss(cell, "deferred takes " deferred " ns, longer than " bound[cell])
			continue
		}
		if (deferred / chain[cell] > worst_deferred)
			worst_deferred = deferred / chain[cell]
		if (deferred / chain[cell] > 1.01)
			miss(cell, "deferred is over the limit")

		if (cell ~ /,half /)
			continue
		if (!(("series,one-notifier", cell) in time)) {
			miss(cell, "series,one-notifier: not measured")
			continue
		}
		one = time["series,one-notifier", cell]
		nr_one++
		if (one / chain[cell] > worst_one)
			worst_one = one / chain[cell]
		if (one / deferred > worst_each)
			worst_each = one / deferred
		if (one / chain[cell] > 1.01 || one > deferred + slack(cell, deferred))
			miss(cell, "one notifier for all GPUs is over the limit")
	}
	printf "%d invalidations with one notifier for all GPUs, worst ratio: %.3f (limit 1.01), worst against a notifier each: %.3f\n",
		nr_one, worst_one, worst_each
	printf "%d invalidations in each mode.\n", nr_cells
	printf "worst deferred ratio: %.3f (limit 1.01), worst against two-pass: %.3f, worst against single-pass: %.3f\n",
		worst_deferred, worst["base,two-pass"], worst["base,single-pass"]
	exit missed > 0
}
