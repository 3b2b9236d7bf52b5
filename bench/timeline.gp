# SPDX-License-Identifier: GPL-2.0-only
# Picture of what eight GPUs and the CPU do in each mode, for gnuplot:
#   gnuplot bench/timeline.gp >bench/results/timeline.svg
set terminal svg size 900,900 font "sans-serif,13" background "#ffffff"
csv = "bench/results/timeline.csv"

# A bar for each operation: start, end, row (A: 8 ... H: 1), operation
operations(mode) = sprintf("< awk -F, '$1 == \"%s\" { print $4 / 1e3, $5 / 1e3, ".\
	"8 - index(\"BCDEFGH\", $2), $3 }' %s", mode, csv)
# Where a callback waits for a GPU, from when it gets there: from, to, letter. And a
# line that is not to be seen, as gnuplot complains if there are none.
waits(mode) = sprintf("< awk -F, '$1 == \"%s\" && $6 < $5 { print $6 / 1e3, $5 / 1e3, $2 } ".\
	"END { print -2, -1, \"-\" }' %s", mode, csv)
# When passes run: the first ones at the start, and one at the end of each wait,
# or when the core gets to it, if that is later
passes(mode) = sprintf("< awk -F, '$1 == \"%s\" { print ($6 > $5 ? $6 : $5) / 1e3; ".\
	"if ($3 == 1) print $4 / 1e3 }' %s", mode, csv)

set xrange [0:2400]
set yrange [-0.9:8.6]
set ytics ("CPU" 0, "H" 1, "G" 2, "F" 3, "E" 4, "D" 5, "C" 6, "B" 7, "A" 8)
set border 1
set tics nomirror scale 0.4
set xtics 200
set key off
set style fill solid noborder
set multiplot layout 4,1 title "What eight GPUs do during one munmap() \
(simulated time, us)" font ",15"
set label 1 at graph 0.99,0.9 right
do for [mode in "single-pass two-pass multi-pass deferred"] {
	set title mode offset 0,-0.7
	if (mode eq "single-pass") {
		set label 1 "bars: the first, second and third operation of a GPU"
		set label 2 "CPU: bars where a callback waits, marks where one runs" at graph 0.99,0.78 right
	} else { unset label 1; unset label 2 }
	plot operations(mode) using 1:3:1:2:($3-0.4):($3+0.4):($4 == 1 ? 0x0072b2 : $4 == 2 ? 0x56b4e9 : 0xa6d8f0) \
			with boxxyerror lc rgb variable, \
		waits(mode) using 1:(0):1:2:(-0.35):(0.35) with boxxyerror lc rgb "#e69f00", \
		waits(mode) using (($1+$2)/2):(0):(($2-$1) > 25 ? strcol(3) : "") with labels font ",10", \
		passes(mode) using 1:(0):(0):(0.6) with vectors nohead lw 1.2 lc rgb "#000000"
}
unset multiplot
