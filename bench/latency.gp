# SPDX-License-Identifier: GPL-2.0-only
# Picture of latency against the number of GPUs, for gnuplot:
#   gnuplot bench/latency.gp >bench/results/latency.svg
set terminal svg size 900,760 font "sans-serif,13" background "#ffffff"
csv = "bench/results/latency.csv"

# The mean over all draws for each number of GPUs: GPUs, us, longest chain in us
mean(kernel, mode, work) = sprintf("< awk -F, '".\
	"$1 == \"%s\" && $6 == \"%s\" && $3 == \"%s\" && $2 == \"munmap\" ".\
	"{ n[$5]++; t[$5] += $7; l[$5] += $8 } ".\
	"END { for (g in n) print g, t[g] / n[g] / 1e3, l[g] / n[g] / 1e3 }' %s | sort -n",\
	kernel, mode, work, csv)

set logscale xy
set format y "%.0f"
set xrange [0.9:290]
set xtics (1, 2, 4, 8, 16, 72, 256)
set yrange [20:600000]
set ytics (40, 100, 540, 1000, 10000, 100000)
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror scale 0.5
set key off
set multiplot layout 2,2 title \
	"How long munmap() takes when GPUs mirror the memory (simulated time)" font ",15"
do for [work in '"flush" "fences+flush" "random" "half single-pass random"'] {
	if (work eq "flush") {
		set title "flush: 40 us"
		set ylabel "latency in us"
		set key top left reverse Left samplen 2
	}
	if (work eq "fences+flush") { set title "fences+flush: 500 us, then 40 us"; unset ylabel; set key off }
	if (work eq "random") {
		set title "random: 1 to 3 operations of 5 to 300 us"
		set ylabel "latency in us"
		set xlabel "GPUs"
	}
	if (work eq "half single-pass random") {
		set title "random, every second driver is single-pass"
		unset ylabel
	}
	plot mean("base", "single-pass", work) using 1:2 with linespoints \
			lw 2 pt 7 ps 0.5 lc rgb "#999999" title "single-pass", \
		mean("base", "two-pass", work) using 1:2 with linespoints \
			lw 2 pt 5 ps 0.5 lc rgb "#e69f00" title "two-pass", \
		mean("series", "multi-pass", work) using 1:2 with linespoints \
			lw 2 pt 9 ps 0.6 lc rgb "#56b4e9" title "multi-pass", \
		mean("series", "deferred", work) using 1:2 with linespoints \
			lw 2.5 pt 13 ps 0.7 lc rgb "#009e73" title "deferred", \
		mean("series", "deferred", work) using 1:3 with lines \
			lw 1 dt 3 lc rgb "#000000" title "longest chain of one GPU"
}
unset multiplot
