# SPDX-License-Identifier: GPL-2.0-only
# From what the machines measured, make the table, the CSV with the figures
# that follow, and check the limits.
#
# Input: lines "kernel,version,core,figure,n,value,unit".
# Variables: csv, the file to write; tools, versions of compiler and emulator.
# Exit status: 0 all limits are met, 1 one is missed.

function missed(what) {
	failed = 1
	note[++notes] = "LIMIT missed: " what
}

# add(KERNEL, FIGURE, N, VALUE, UNIT, DIGITS): a figure that was not measured
function add(kernel, figure, n, value, unit, digits) {
	v[kernel, figure, n] = value
	line[++lines] = id[kernel] "," figure "," n "," \
		sprintf("%." digits "f", value) "," unit
}

function has(kernel, figure, n) { return (kernel, figure, n) in v }

# A value to print in WIDTH columns, or a dash
function show(kernel, figure, n, width, digits) {
	if (!has(kernel, figure, n))
		return sprintf("%*s", width, "-")
	return sprintf("%*.*f", width, digits, v[kernel, figure, n])
}

# A row of two kernels, those of head(), and the difference
function row(what, figure, n, digits) {
	printf "  %-39s%9s %9s", what, show(without, figure, n, 9, digits),
		show(with, figure, n, 9, digits)
	if (has(without, figure, n) && has(with, figure, n))
		printf " %+9.*f", digits,
			v[with, figure, n] - v[without, figure, n]
	printf "\n"
}

# head(WHAT, KERNEL, KERNEL): that of such rows
function head(what, first, second) {
	without = first
	with = second
	printf "\n%-41s%9s %9s %9s\n", what, first, second, "added"
}

function added(figure, n) { return v["series", figure, n] - v["base", figure, n] }

# at_most(WHAT, FIGURE, N, LIMIT): that the series adds no more instructions
function at_most(what, figure, n, limit) {
	limited(what, added(figure, n), limit)
}

function limited(what, more, limit) {
	if (more > limit)
		missed(sprintf("%s: %.2f instructions more (limit %d)", what, more,
			       limit))
}

{
	id[$1] = $1 "," $2 "," $3
	version[$1] = $2
	core[$1] = substr($3, 1, 12)
	v[$1, $4, $5] = $6
	line[++lines] = $0
}

# Per pass: what the passes add to notifiers that leave none
function pass_cost(kernel, kind, n,    t) {
	if (kind == "deferred-late")
		return (v[kernel, kind, n] - v[kernel, "multi-none-late", n]) / n
	# There is one notifier
	if (kind == "deferred-one")
		return (v[kernel, kind, n] - v[kernel, kind, 1]) / (n - 1)
	t = v[kernel, kind, n] - v[kernel, "multi-none", n]
	if (kind != "deferred-slept")
		return t / n
	# Less the sleep, the timer and the wake-up of one pass
	t -= v[kernel, kind, 1] - v[kernel, "multi-none", 1]
	return t / (n - 1)
}

END {
	if (v["base", "counter-check", 2000] != 2000 ||
	    v["series", "counter-check", 2000] != 2000) {
		print "the counter does not count single instructions"
		exit 2
	}
	if (!has("plain", "single", 1000) || !has("events", "single", 1000)) {
		print "there are no figures of tracepoints"
		exit 2
	}

	nkinds = split("blocking deferred-early deferred-one deferred-late deferred-slept", kinds, " ")
	# What a pass may cost, in instructions
	limit["deferred-early"] = 130
	limit["deferred-late"] = 190
	limit["deferred-slept"] = 195
	nns = split("10 100 1000 10000 100000", ns, " ")

	# Per notifier
	for (k = 1; k <= 2; k++) {
		kernel = k == 1 ? "base" : "series"
		for (f = 1; f <= 2; f++) {
			figure = f == 1 ? "single" : "two-pass"
			# With the series that is one pass, handed over
			of = f == 2 && kernel == "series" ? "blocking" : figure
			for (i = 0; i <= nns; i++) {
				n = i ? ns[i] : 1
				add(kernel, figure "-each", n,
				    (v[kernel, of, n] - v[kernel, "elsewhere", 0]) / n,
				    "instructions", 2)
			}
		}
	}
	worst = ""
	for (i = 100; i <= 10000; i *= 100) {
		x = 100 * added("single", i) / v["base", "single", i]
		add("series", "single-overhead", i, x, "percent", 3)
		if (worst == "" || x > worst)
			worst = x
	}
	if (worst > 1)
		missed(sprintf("single-pass overhead %.2f%% (limit 1%%)", worst))
	at_most("one single-pass notifier", "single", 1, 17)
	at_most("no notifier ever", "never", 0, 0)
	at_most("a notifier elsewhere", "elsewhere", 0, 20)
	if (v["base", "sizeof-notifier", 0] != v["series", "sizeof-notifier", 0])
		missed("struct mmu_interval_notifier changed its size")

	# Per pass
	growth = 0
	for (k = 1; k <= nkinds; k++) {
		least = most = ""
		for (i = 1; i <= nns; i++) {
			x = pass_cost("series", kinds[k], ns[i])
			add("series", "pass-" kinds[k], ns[i], x, "instructions", 2)
			if (ns[i] < 100)
				continue
			if (least == "" || x < least)
				least = x
			if (most == "" || x > most)
				most = x
		}
		x = 100 * (most / least - 1)
		add("series", "pass-growth-" kinds[k], 0, x, "percent", 3)
		if (x > growth)
			growth = x
		if (x > 10)
			missed(sprintf("%s: growth %.1f%% (limit 10%%)", kinds[k], x))
		if (kinds[k] in limit && most > limit[kinds[k]])
			missed(sprintf("%s: %.1f instructions (limit %d)", kinds[k],
				       most, limit[kinds[k]]))
	}

	print "What invalidations cost, in instructions that QEMU counts (x86_64, SMP)"
	for (k = 1; k <= 2; k++) {
		kernel = k == 1 ? "base" : "series"
		printf "  %-7s Linux %s, mm/mmu_notifier.c %s\n", kernel ":",
			version[kernel], core[kernel]
	}
	head("madvise(MADV_DONTNEED) of one page", "base", "series")
	row("the mm never had a notifier", "never", 0, 0)
	row("it has one, elsewhere", "elsewhere", 0, 0)
	row("1 single-pass notifier in the range", "single", 1, 0)
	row("100 single-pass notifiers", "single", 100, 0)
	row("10000 single-pass notifiers", "single", 10000, 0)

	head("per notifier, (T(N) - T(elsewhere)) / N", "base", "series")
	row("single-pass, N = 1", "single-each", 1, 2)
	row("single-pass, N = 100", "single-each", 100, 2)
	row("single-pass, N = 10000", "single-each", 10000, 2)
	row("two passes, N = 100", "two-pass-each", 100, 2)
	row("two passes, N = 10000", "two-pass-each", 10000, 2)

	printf "\n%-18s", "per later pass, N ="
	for (i = 1; i <= nns; i++)
		printf " %7d", ns[i]
	printf "   growth\n"
	for (k = 1; k <= nkinds; k++) {
		printf "  %-16s", kinds[k]
		for (i = 1; i <= nns; i++)
			printf " %s", show("series", "pass-" kinds[k], ns[i], 7, 1)
		printf " %7.2f%%\n", v["series", "pass-growth-" kinds[k], 0]
	}
	printf "  limits, for N = 100 and more: early %d, late %d, slept %d\n",
		limit["deferred-early"], limit["deferred-late"],
		limit["deferred-slept"]

	head("bytes", "base", "series")
	row("text of mm/mmu_notifier.o", "text", 0, 0)
	row("struct mmu_interval_notifier", "sizeof-notifier", 0, 0)
	row("struct mmu_interval_notifier_pass", "sizeof-pass", 0, 0)
	row("stack, invalidation", "stack-invalidate", 0, 0)
	row("stack, end of the mm", "stack-release", 0, 0)

	events()
	scale()

	for (i = 1; i <= notes; i++)
		print note[i]
	printf "single-pass overhead: %.2f%% (limit 1%%), per-pass growth: %.2f%% (limit 10%%)\n",
		worst, growth

	print "# SPDX-License-Identifier: GPL-2.0-only" >csv
	print "# " tools >csv
	print "kernel,version,core,figure,n,value,unit" >csv
	for (i = 1; i <= lines; i++)
		print line[i] >csv
	exit failed
}

# What the events of the series cost while they are off: of "plain" they are no part
function events(    k, i, kernel, x) {
	for (k = 1; k <= 2; k++) {
		kernel = k == 1 ? "plain" : "events"
		add(kernel, "single-each", 1000,
		    (v[kernel, "single", 1000] - v[kernel, "elsewhere", 0]) / 1000,
		    "instructions", 2)
		add(kernel, "multi-none-each", 1000,
		    (v[kernel, "multi-none", 1000] - v[kernel, "elsewhere", 0]) / 1000,
		    "instructions", 2)
		for (i = 1; i <= nkinds; i++)
			add(kernel, "pass-" kinds[i], 1000, pass_cost(kernel, kinds[i], 1000),
			    "instructions", 2)
	}
	head("tracepoints, compiled in and off", "plain", "events")
	event_row("the mm never had a notifier", "never", 0, 0, 0)
	event_row("it has one, elsewhere", "elsewhere", 0, 0, 2)
	event_row("1 single-pass notifier in the range", "single", 1, 0, 10)
	event_row("each of 1000 single-pass notifiers", "single-each", 1000, 2, 2)
	event_row("each of 1000 that leave no pass", "multi-none-each", 1000, 2, 12)
	for (i = 1; i <= nkinds; i++)
		event_row("each of 1000 passes, " kinds[i], "pass-" kinds[i], 1000, 2,
			  kinds[i] == "blocking" ? 5 : 25)
}

function event_row(what, figure, n, digits, limit) {
	row(what, figure, n, digits)
	limited("events that are off, " what,
		v["events", figure, n] - v["plain", figure, n], limit)
}

# Least squares: FIGURE = fit_at_0 + fit_slope * N, of what was measured for N from
# FIRST to 256
function fit(figure, first,    n, count, sx, sy, sxx, sxy) {
	for (n = first; n <= 256; n++)
		if (has("series", figure, n)) {
			count++
			sx += n
			sy += v["series", figure, n]
			sxx += n * n
			sxy += n * v["series", figure, n]
		}
	fit_slope = (count * sxy - sx * sy) / (count * sxx - sx * sx)
	fit_at_0 = (sy - fit_slope * sx) / count
}

# A row of what the formula says and what the run said; @more: what is paid once
function predict(what, figure, n, more,    wait, work, x) {
	wait = wait_at_0 + wait_slope * n
	work = work_at_0 + work_slope * n
	x = more + (wait > work ? wait : work)
	add("series", figure "-formula", n, x, "ns", 0)
	printf "  %-30s%7d %11.1f %11.1f %+7.1f%%\n", what, n, x / 1000,
		v["series", figure, n] / 1000,
		100 * (x / v["series", figure, n] - 1)
}

# munmap() with simulated GPUs: the formula, from up to 256 GPUs, and runs
function scale(    i, n, list) {
	# While the starts take less time than the devices
	fit("scale-gpus", 1)
	wait_at_0 = fit_at_0
	wait_slope = fit_slope
	# While the CPU has work all the time
	fit("scale-brief", 128)
	work_at_0 = fit_at_0
	work_slope = fit_slope
	add("series", "scale-formula-c", 0, wait_at_0 - 540000, "ns", 0)
	add("series", "scale-formula-a", 0, wait_slope, "ns", 0)
	add("series", "scale-formula-c2", 0, work_at_0, "ns", 0)
	add("series", "scale-formula-a+b", 0, work_slope, "ns", 0)

	print "\nmunmap() with N simulated GPUs: 500 us + 40 us, 1 ns per instruction"
	printf "  T(N) = max(540 + %.1f + %.3f N, %.1f + %.3f N) us\n",
		(wait_at_0 - 540000) / 1000, wait_slope / 1000,
		work_at_0 / 1000, work_slope / 1000
	printf "  %-30s%7s %11s %11s %8s\n", "", "N", "formula, us",
		"run, us", "off by"
	n = split("1 8 72 256 512 1024", list, " ")
	for (i = 1; i <= n; i++)
		predict(list[i] <= 256 ? "GPUs, used for the formula" : \
			"GPUs, predicted", "scale-gpus", list[i], 0)
	predict("8 GPUs x 12500 ranges, pred.", "scale-ranges", 100000,
		v["series", "scale-pages", 12500] - v["series", "scale-pages", 4])
}
