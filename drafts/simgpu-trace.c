// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trace the invalidations of simulated GPUs, of which one is slow
 *
 * The first process of a machine, which runs the lines of /commands as a shell
 * does, as far as tracefs needs one: cd, echo, cat and :, quotes, > and >>. Whenever a
 * cat follows an echo, something is set up and the user wants to see what comes of
 * it, so GPUs are put to work first. It prints the commands with a prompt, what they
 * print, and a line "gpu: NAME FD" for each GPU, with its file descriptor, and
 * "munmap: NS" with the time that all munmap() calls together took.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gpu.h"

#define NR_GPUS		8
#define NR_ROUNDS	10
#define MAX_WORDS	8

/* Most are told when their device is done. F is, too, and is the slow one. */
static const unsigned int modes[NR_GPUS] = {
	SIMGPU_SINGLE_PASS, SIMGPU_MULTI_PASS, SIMGPU_DEFERRED, SIMGPU_DEFERRED,
	SIMGPU_DEFERRED, SIMGPU_DEFERRED, SIMGPU_DEFERRED, SIMGPU_DEFERRED,
};

#define SLOW		5

static void work(void)
{
	const struct chain fast = { 2, { US(100), US(40) } };
	const struct chain slow = { 2, { US(2000), US(40) } };
	int gpus[NR_GPUS];
	__u64 ns = 0;
	unsigned int i, round;

	for (i = 0; i < NR_GPUS; i++) {
		gpus[i] = gpu_open();
		must(gpu_setup(gpus[i], i == SLOW ? &slow : &fast, 1), "setup");
		printf("gpu: %c %d\n", 'A' + i, gpus[i]);
	}
	for (round = 0; round < NR_ROUNDS; round++) {
		void *mem = map_pages(NR_PAGES);

		touch(mem, NR_PAGES, 0);
		for (i = 0; i < NR_GPUS; i++) {
			must(gpu_mirror(gpus[i], mem, NR_PAGES, modes[i]),
			     "mirror");
			must(gpu_populate(gpus[i], mem, NR_PAGES), "populate");
		}
		ns += timed_unmap(mem, NR_PAGES);
		for (i = 0; i < NR_GPUS; i++)
			must(gpu_unmirror(gpus[i]), "unmirror");
	}
	printf("munmap: %llu\n", ns);
	for (i = 0; i < NR_GPUS; i++)
		close(gpus[i]);
}

static void cat(const char *name)
{
	int fd = open(name, O_RDONLY);
	char buf[4096];
	ssize_t len;

	if (fd < 0)
		die("%s", name);
	fflush(stdout);
	while ((len = read(fd, buf, sizeof(buf))) > 0)
		if (write(STDOUT_FILENO, buf, len) != len)
			die("write");
	if (len < 0)
		die("%s", name);
	close(fd);
}

/* One write(), as tracefs wants it; none if @text is NULL. @how is > or >>. */
static void echo(const char *text, const char *how, const char *name)
{
	int fd = open(name, O_WRONLY | (how[1] ? O_APPEND : O_TRUNC));

	if (fd < 0)
		die("%s", name);
	if (text && dprintf(fd, "%s\n", text) < 0) {
		fprintf(stderr, "simgpu: %s: %s\n", name, strerror(errno));
		cat("/sys/kernel/tracing/error_log");
		finish(1);
	}
	close(fd);
}

/* Cut @line into @words, which are ended by NULL */
static void split(char *line, char **words)
{
	char *out = line;
	unsigned int nr = 0;

	while (*line) {
		char quote = 0;

		while (*line == ' ' || *line == '\t')
			line++;
		if (!*line)
			break;
		if (nr == MAX_WORDS) {
			errno = E2BIG;
			die("/commands");
		}
		words[nr++] = out;
		for (; *line && (quote || (*line != ' ' && *line != '\t'));
		     line++) {
			if (*line == quote)
				quote = 0;
			else if (!quote && *line == '\'')
				quote = *line;
			else
				*out++ = *line;
		}
		if (*line)
			line++;
		*out++ = '\0';
	}
	words[nr] = NULL;
}

static bool is(const char *word, const char *what)
{
	return word && !strcmp(word, what);
}

static bool redirects(char **words)
{
	return words[0] && (is(words[0], ">") || is(words[0], ">>")) &&
	       words[1] && !words[2];
}

static void run(char *line)
{
	static bool worked = true;
	char *words[MAX_WORDS + 1] = { NULL };

	printf("# %s\n", line);
	split(line, words);
	if (is(words[0], "cd") && words[1] && !words[2]) {
		if (chdir(words[1]))
			die("%s", words[1]);
	} else if (is(words[0], "cat") && words[1] && !words[2]) {
		if (!worked)
			work();
		worked = true;
		cat(words[1]);
	} else if (is(words[0], ":") && redirects(words + 1)) {
		echo(NULL, words[1], words[2]);
	} else if (is(words[0], "echo") && words[1] && redirects(words + 2)) {
		worked = false;
		echo(words[1], words[2], words[3]);
	} else {
		errno = EINVAL;
		die("%s", line);
	}
}

static void init(void)
{
	int fd;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/sys/kernel", 0755);
	mkdir("/sys/kernel/tracing", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL) ||
	    mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL))
		die("mount");

	fd = open("/simgpu.ko", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("/simgpu.ko");
	close(fd);
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *file;

	setvbuf(stdout, NULL, _IOLBF, 0);
	init();
	printf("simgpu: begin\n");
	warm_up();
	file = fopen("/commands", "re");
	if (!file)
		die("/commands");
	while ((len = getline(&line, &size, file)) > 0) {
		line[len - 1] = '\0';
		run(line);
	}
	finish(0);
}
