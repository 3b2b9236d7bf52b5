# SPDX-License-Identifier: GPL-2.0-only
# The picture in README.md, for gnuplot:
#   gnuplot bench/overview.gp >bench/results/overview.svg
# Left, how long xe's invalidation of userptrs takes, before the series and with it.
# Right, what eight GPUs do during one munmap(). The background is white, so that the
# text can be read on a dark page.
set terminal svg size 960,400 font "sans-serif,13" background "#ffffff"

set border 3 lc rgb "#555555"
set tics nomirror scale 0.5
set multiplot

# xe userptr, with fences of 500 us and a flush of 40 us
userptr(form) = sprintf("< awk -F, '$1 == \"xe-userptr\" && $2 == \"%s\" && ".\
	"$3 == \"intel\" { print $4, $5 / 1e3 }' bench/results/drivers.csv", form)
last(form) = real(system(userptr(form)[3:]." | tail -n 1 | cut -d ' ' -f 2"))
set lmargin at screen 0.075
set rmargin at screen 0.44
set tmargin at screen 0.82
set bmargin at screen 0.13
set label 1 "xe's own code, fake hardware: one invalidation, us" at screen 0.02,0.94 \
	left font "sans-serif,15"
set label 2 sprintf("two passes (Linux 7.3): %.0f us", last("two-pass")) \
	at first 60,last("two-pass") right offset -1,0.2 tc rgb "#b34700"
set label 3 sprintf("passes (this series): %.0f us", last("passes")) \
	at first 64,last("passes") right offset 0,-1.2 tc rgb "#00704f"
set logscale x 2
set xrange [0.9:72]
set xtics (1, 2, 4, 8, 16, 32, 64)
set yrange [0:3300]
set ytics 500
set grid ytics lc rgb "#dddddd"
set xlabel "GPUs" offset 0,0.5
set key off
plot userptr("two-pass") using 1:2 with linespoints lw 2.5 pt 5 ps 0.6 lc rgb "#d55e00", \
	userptr("passes") using 1:2 with linespoints lw 2.5 pt 13 ps 0.8 lc rgb "#009e73"

# A bar for each operation: start, end, row (A: 8 ... H: 1), operation
operations(mode) = sprintf("< awk -F, '$1 == \"%s\" { print $4 / 1e3, $5 / 1e3, ".\
	"8 - index(\"BCDEFGH\", $2), $3 }' bench/results/timeline.csv", mode)
end(mode) = real(system(sprintf("awk -F, '$1 == \"%s\" && $5 > e { e = $5 } ".\
	"END { print e / 1e3 }' bench/results/timeline.csv", mode)))
unset logscale
unset grid
set lmargin at screen 0.53
set rmargin at screen 0.98
set xrange [0:2400]
set yrange [0.4:8.6]
set ytics ("H" 1, "G" 2, "F" 3, "E" 4, "D" 5, "C" 6, "B" 7, "A" 8) font ",11"
set style fill solid noborder
unset label
do for [i = 1:2] {
	mode = i == 1 ? "single-pass" : "deferred"
	if (i == 1) {
		set label 1 "What eight simulated GPUs do during one munmap()" \
			at screen 0.5,0.94 left font "sans-serif,15"
		set tmargin at screen 0.86
		set bmargin at screen 0.53
		set format x ""
		set xtics 500
		unset xlabel
	} else {
		set tmargin at screen 0.46
		set bmargin at screen 0.13
		set format x "%.0f"
		set xlabel "us" offset 0,0.5
		set label 1 "shades: the first, second and third operation of a GPU" \
			at graph 0.98,0.15 right font "sans-serif,11" tc rgb "#555555"
	}
	set label 2 sprintf("%s: %.0f us", i == 1 ? "single pass" : "passes", end(mode)) \
		at graph 0.98,0.85 right tc rgb "#333333"
	plot operations(mode) using 1:3:1:2:($3-0.4):($3+0.4):\
			($4 == 1 ? 0x0072b2 : $4 == 2 ? 0x56b4e9 : 0xa6d8f0) \
			with boxxyerror lc rgb variable
}
unset multiplot
