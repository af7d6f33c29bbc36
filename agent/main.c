/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - the choice among the verbs. Everything that a verb does is in agent/cli/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cli/run.h"
#include "cli/verbs.h"

static const struct verb *const verbs[] = VERBS;

static void print_help(FILE *f)
{
	fprintf(f, "usage: sysscope COMMAND [OPTIONS]\n\n"
		   "Shows what containers and processes do on this machine, from the kernel's own\n"
		   "counters.\n\n"
		   "commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(f, "  %-12s  %s\n", verbs[i]->name, verbs[i]->summary);
	fprintf(f, "\n`sysscope COMMAND --help` lists the options of a command, with examples.\n\n"
		   "examples:\n"
		   "  sudo sysscope top\n"
		   "  sudo sysscope top --json -n 1 | jq '.containers[] | {name, cpu_cores}'\n"
		   "  sudo sysscope serve\n");
}

static const struct verb *verb_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(name, verbs[i]->name) == 0)
			return verbs[i];
	return NULL;
}

static int refuse_command(const char *name)
{
	_cleanup_buf_ struct buf safe = {};
	struct nearest near;

	option_printable(&safe, name);
	nearest_begin(&near, name);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		nearest_offer(&near, verbs[i]->name);
	if (nearest_name(&near))
		log_usage("sysscope: unknown command '%s'; did you mean '%s'?", safe.data ?: "", nearest_name(&near));
	else
		log_usage("sysscope: unknown command '%s'; see sysscope --help", safe.data ?: "");
	return EXIT_USAGE;
}

/* `sysscope help`, or `sysscope help NAME` for `sysscope NAME --help`. */
static int help(const char *name)
{
	char option[] = "--help", *argv[] = {(char *)(uintptr_t)name, option, NULL};

	if (!name) {
		print_help(stdout);
		return EXIT_DONE;
	}
	return verb_named(name) ? run_verb(verb_named(name), 2, argv) : refuse_command(name);
}

/*
 * A closed standard descriptor would be reused by the next file opened, which output would then overwrite. What is written to
 * a standard output that is closed must fail: it is opened for reading.
 */
static int descriptors_fill(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) < 0)
			return -errno;
	return 0;
}

static int verb_run(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (verb_named(name))
		return run_verb(verb_named(name), argc - 1, argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help(NULL);
	if (strcmp(name, "help") == 0)
		return help(argc > 2 ? argv[2] : NULL);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("sysscope %s (%s)\n", SYSSCOPE_VERSION, SYSSCOPE_REVISION);
		return EXIT_DONE;
	}
	if (name[0])
		return refuse_command(name);
	print_help(stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int status = descriptors_fill() < 0 ? EXIT_FAILED : verb_run(argc, argv);

	/* Help and the like; a reader who has gone wants no more of it. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE && status == EXIT_DONE) {
		fprintf(stderr, "sysscope: error: cannot write to standard output: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return status;
}
