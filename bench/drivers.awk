# SPDX-License-Identifier: GPL-2.0-only
# What bench/results/drivers.csv says: a table of how long an invalidation takes, in
# us, and a line for 16 GPUs with the work intel:
#   awk -f bench/drivers.awk bench/results/drivers.csv
# Fails if, with passes, 64 GPUs take more than 1.01 times what one takes, or a form
# of a driver has no times.
BEGIN {
	FS = ","
	# SVM has statistics, for which it reads the clock twice. Each time takes
	# 256 ns of simulated time, with no other GPU at work on it.
	clock["xe-svm"] = 512
}
NR == 1 { next }
{
	row = $1 "," $2 "," $3
	if (!(row in seen)) { seen[row] = 1; rows[++nr] = row }
	if (!($4 in column)) { column[$4] = ++columns; gpus[columns] = $4 }
	ns[row "," $4] = $5
}
END {
	print "How long an invalidation takes, in us, by the number of GPUs"
	printf "%-10s %-9s %-6s", "driver", "form", "work"
	for (c = 1; c <= columns; c++)
		printf " %6d", gpus[c]
	print ""
	for (r = 1; r <= nr; r++) {
		split(rows[r], is, ",")
		printf "%-10s %-9s %-6s", is[1], is[2], is[3]
		for (c = 1; c <= columns; c++)
			printf " %6.0f", ns[rows[r] "," gpus[c]] / 1000
		print ""
		if (is[2] != "passes")
			continue
		checked++
		if (!ns[rows[r] ",64"] ||
		    ns[rows[r] ",64"] - 63 * clock[is[1]] > 1.01 * ns[rows[r] ",1"]) {
			print rows[r] ": 64 GPUs take more than 1.01 times one"
			bad = 1
		}
	}
	line = summary("xe-userptr", "xe userptr, 16 GPUs", "two-pass")
	line = line summary("xe-svm", "; xe SVM", "one-pass")
	line = line summary("gpusvm-1:1", "; gpusvm 1:1", "one-pass")
	line = line summary("gpusvm-N:1", "; gpusvm N:1", "one-pass")
	print line summary("dma-resv", "; reservation objects", "one-pass")
	exit bad || !checked
}
function summary(driver, title, form,	before, after, one)
{
	before = ns[driver "," form ",intel,16"]
	after = ns[driver ",passes,intel,16"]
	one = ns[driver ",passes,intel,1"]
	if (!before || !after || !one)
		bad = 1
	return sprintf("%s: %s %.0f us, passes %.0f us, one GPU %.0f us", title, form,
		       before / 1000, after / 1000, one / 1000)
}
