# SPDX-License-Identifier: GPL-2.0-only
# Picture of latency against the number of GPUs, for gnuplot:
#   gnuplot bench/latency.gp >bench/results/latency.svg
set terminal svg size 1200,760 font "sans-serif,12" background "#ffffff"
csv = "bench/results/latency.csv"

# The mean over all draws for each number of GPUs: GPUs, us, longest chain in us
mean(kernel, mode, work) = sprintf("< awk -F, '".\
	"$1 == \"%s\" && $6 == \"%s\" && $3 == \"%s\" && $2 == \"munmap\" ".\
	"{ n[$5]++; t[$5] += $7; l[$5] += $8 } ".\
	"END { for (g in n) print g, t[g] / n[g] / 1e3, l[g] / n[g] / 1e3 }' %s | sort -n",\
	kernel, mode, work, csv)

# A driver's own code
driver(form, work) = work eq "" ? "< echo 0.01 1" : sprintf("< awk -F, '$1 == \"xe-userptr\" && $2 == \"%s\" && ".\
	"$3 == \"%s\" { print $4, $5 / 1e3 }' bench/results/drivers.csv", form, work)
# bench/report.awk names the sources of what devices take.
array works[6] = ["fast", "intel", "busy", "flush", "random", "half single-pass random"]
array titles[6] = ["fast: preempt 32 us, flush 4 us", \
	"intel: fences 500 us, flush 40 us", \
	"busy: preempt 4 ms, flush 100 us", \
	"flush: 40 us, where two passes suffice", \
	"random: 1 to 3 operations of 5 to 300 us", \
	"random, half of the drivers single-pass"]

set logscale xy
set format y "%.0f"
set xrange [0.9:290]
set xtics (1, 2, 4, 8, 16, 72, 256)
set yrange [20:2000000]
set ytics (36, 100, 540, 4100, 10000, 100000, 1000000)
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror scale 0.5
set multiplot layout 2,3 title \
	"How long munmap() takes when GPUs mirror the memory (simulated time)" font ",15"
do for [i = 1:6] {
	set title titles[i]
	if (i == 1) { set key top left reverse Left samplen 2 } else { set key off }
	if (i % 3 == 1) { set ylabel "latency in us" } else { unset ylabel }
	if (i > 3) { set xlabel "GPUs" }
	work = works[i]
	# Drivers were timed with the profiles, which are the first three; in the others
	# there is a point outside of the picture.
	runs = i > 3 ? "" : work
	plot mean("base", "single-pass", work) using 1:2 with linespoints \
			lw 2 pt 7 ps 0.5 lc rgb "#999999" title "single-pass", \
		mean("base", "two-pass", work) using 1:2 with linespoints \
			lw 2 pt 5 ps 0.5 lc rgb "#e69f00" title "two-pass", \
		mean("series", "multi-pass", work) using 1:2 with linespoints \
			lw 2 pt 9 ps 0.6 lc rgb "#56b4e9" title "multi-pass", \
		mean("series", "deferred", work) using 1:2 with linespoints \
			lw 2.5 pt 13 ps 0.7 lc rgb "#009e73" title "deferred", \
		mean("series", "deferred", work) using 1:3 with lines \
			lw 1 dt 3 lc rgb "#000000" title "longest chain of one GPU", \
		driver("two-pass", runs) using 1:2 with points \
			pt 4 ps 1.2 lc rgb "#d55e00" title "xe userptr, two-pass", \
		driver("passes", runs) using 1:2 with points \
			pt 12 ps 1.4 lc rgb "#005000" title "xe userptr, passes"
}
unset multiplot
