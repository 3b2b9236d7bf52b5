# SPDX-License-Identifier: GPL-2.0-only
# Names for the scripts, each of which says at its top what it does.

KERNEL ?=
ARGS ?=
CONFIG ?=
SIGNOFF ?=
POSTING ?=
BASE ?=
export KERNEL CONFIG SIGNOFF POSTING BASE

.PHONY: help move kernels demo bench bench-cost drivers hmm trace stress test test-full check kunit coverage mutate model cocci tree export mbox packages clean
.NOTPARALLEL:

help: ## list the targets (this text)
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r t d; do printf 'make %-10s %s\n' "$$t" "$$d"; done

demo: tree ## measure simulated GPUs with and without multi-pass notifiers
	@scripts/measure/demo

bench: tree ## measure them with each kind of work, on the kernel with the series and without
	@scripts/measure/bench

bench-cost: tree ## count instructions under QEMU: what the series costs
	@scripts/measure/bench-cost

drivers: tree ## run the drivers' own code, before and after their conversion, and time it with 1 to 64 GPUs
	@scripts/verify/drivers

hmm: tree ## run hmm-tests of the kernel's selftests, with and without the series, under QEMU
	@scripts/verify/hmm

trace: tree ## find the GPU that makes munmap() slow, with the tracepoints of the series
	@scripts/verify/trace

stress: tree ## run real programs, mirrored by simulated GPUs that check each page (ARGS=uml/mmap: this one, until something is wrong; ARGS=faults: see planted faults found)
	@set -f; scripts/verify/stress $(ARGS)

test: tree ## the checks and tests that CI runs, of the series and of the scripts (ARGS=pattern: some of them)
	@set -f; scripts/verify/test $(ARGS)

check: tree ## what reviewers' tools would say: compilers, architectures, documents, KUnit under QEMU
	@set -f; scripts/verify/check $(ARGS)

kernels: tree ## the series on the other kernels of kernels/*.env and patches/lts-*/
	@scripts/verify/kernels

test-full: tree ## test, check, coverage, mutate, drivers, hmm, trace, stress, kernels, bench and bench-cost, one after the other (a tenth of mutate)
	@scripts/verify/test-full

kunit: tree ## run the KUnit suite in user-mode Linux (ARGS='suite.case*': a filter; CONFIG=smp, debug or xe; x86-debug, x86-kcsan, x86-rt or x86-xe: under QEMU)
	@set -f; scripts/verify/kunit $(ARGS)

coverage: tree ## list what the series adds to the core and the KUnit suite does not run
	@scripts/verify/coverage

mutate: tree ## break core and drivers in many ways and see the KUnit suites fail (ARGS=pattern: some of them)
	@set -f; scripts/verify/mutate $(ARGS)

model: ## check the model of deferred passes, with spin
	@scripts/verify/model

cocci: tree ## find misuse of the interface with Coccinelle, and test that
	@scripts/verify/cocci

tree: packages ## build/tree: the patched kernel, a commit for each patch (KERNEL=dir: on your kernel)
	@scripts/series/import

export: ## write the commits of build/tree to patches/
	@scripts/series/export

move: packages ## build/move: the patches on the base that base.env now names (or BASE=file, KERNEL=dir), and which conflict
	@scripts/series/move

mbox: ## build/mbox: a posting as mails for git send-email (POSTING=directory in patches/, SIGNOFF="Name <address>": who sends them)
	@set -f; scripts/series/mbox $(ARGS)

packages: ## install the Debian packages that are missing
	@scripts/lib/packages

clean: ## remove what was built; keep the download, and work that is in build/tree only
	@scripts/series/clean
