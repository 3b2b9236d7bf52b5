# SPDX-License-Identifier: GPL-2.0-only
# What bench/results/drivers.csv says: a table of how long an invalidation takes, in
# us, and a line for 16 GPUs:
#   awk -f bench/drivers.awk bench/results/drivers.csv
# Fails if, with passes, 64 GPUs take more than 1.01 times what one takes, or a form
# of a driver has no times.
BEGIN { FS = "," }
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
		if (!ns[rows[r] ",64"] || ns[rows[r] ",64"] > 1.01 * ns[rows[r] ",1"]) {
			print rows[r] ": 64 GPUs take more than 1.01 times one"
			bad = 1
		}
	}
	user = "xe-userptr"
	before = ns[user ",two-pass,intel,16"]
	after = ns[user ",passes,intel,16"]
	one = ns[user ",passes,intel,1"]
	printf "xe userptr, 16 GPUs: two-pass %.0f us, passes %.0f us, one GPU %.0f us\n",
		before / 1000, after / 1000, one / 1000
	exit bad || !checked || !before || !after
}
