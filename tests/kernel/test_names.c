/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_names.c - what a process is called: by its main thread, or, where that says less, by its program, for its whole life.
 * Each program here is this one: it gives its main thread a name in the middle of its work, as Node does, and waits. What it
 * used is one group, before and after that, alive and dead, and agrees with the counter of its cgroup.
 */
#include <sys/mman.h>

#include "lib/kernel_test.h"

#define BURN 0.05 /* seconds, before and after the name; a sample is taken in between */

enum how { FILE_OWN, FILE_MEMORY, FILE_LINK, FILE_DESCRIPTOR, BORN_EARLIER };

static struct program {
	const char *tag;
	enum how how;
	const char *file, *argument; /* its file, its first argument */
	const char *names[2];	     /* of its main thread, in turn; NULL: it keeps the one it has */
	const char *want, *want_thread;
	const char *box;
	pid_t pid;
	int go[2], done[2];
} programs[] = {
	{.tag = "node",
	 .how = FILE_OWN,
	 .file = "nodelike",
	 .argument = "nodelike",
	 .names = {"MainThread"},
	 .want = "nodelike",
	 .want_thread = "MainThread"},
	{.tag = "spelled",
	 .how = FILE_OWN,
	 .file = "spelled.bin",
	 .argument = "x",
	 .names = {"main_thread", "Main"},
	 .want = "spelled.bin",
	 .want_thread = "Main"},
	{.tag = "empty",
	 .how = FILE_OWN,
	 .file = "empty-name",
	 .argument = "x",
	 .names = {""},
	 .want = "empty-name",
	 .want_thread = ""},
	{.tag = "digits",
	 .how = FILE_OWN,
	 .file = "digits-name",
	 .argument = "x",
	 .names = {"6"},
	 .want = "digits-name",
	 .want_thread = "6"},
	{.tag = "telling",
	 .how = FILE_OWN,
	 .file = "launcher",
	 .argument = "x",
	 .names = {"mainframe"},
	 .want = "mainframe",
	 .want_thread = "mainframe"},
	{.tag = "foreign",
	 .how = FILE_OWN,
	 .file = "foreign",
	 .argument = "x",
	 .names = {"\xc3\xa9t\xc3\xa9"},
	 .want = "\xc3\xa9t\xc3\xa9",
	 .want_thread = "\xc3\xa9t\xc3\xa9"},
	{.tag = "both",
	 .how = FILE_OWN,
	 .file = "main",
	 .argument = "x",
	 .names = {"MainThread"},
	 .want = "main",
	 .want_thread = "MainThread"},
	{.tag = "plain",
	 .how = FILE_OWN,
	 .file = "plain-program",
	 .argument = "x",
	 .want = "plain-program",
	 .want_thread = "plain-program"},
	{.tag = "sealed",
	 .how = FILE_MEMORY,
	 .file = "sealed-91",
	 .argument = "/usr/bin/crun-like",
	 .want = "crun-like"},
	{.tag = "cloned",
	 .how = FILE_MEMORY,
	 .file = "runc_cloned:/proc/self/exe",
	 .argument = "/proc/self/exe",
	 .want = "runc_cloned"},
	{.tag = "self", .how = FILE_LINK, .file = "itself", .argument = "x", .want = "itself", .want_thread = "exe"},
	{.tag = "number", .how = FILE_DESCRIPTOR, .file = "by-number", .argument = "x", .want = "by-number"},
	{.tag = "earlier",
	 .how = BORN_EARLIER,
	 .file = "earlier-one",
	 .argument = "x",
	 .names = {"MainThread"},
	 .want = "earlier-one",
	 .want_thread = "MainThread"},
};

static char folder[] = "/tmp/sysscope-names-XXXXXX";

/* ---- the programs ---- */

static void token_wait(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(0);
}

/* What the program does once it runs: see the top. */
static int program_main(char **argv)
{
	int go = atoi(argv[2]), done = atoi(argv[3]);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 4; argv[i]; i++) {
		burn(BURN);
		if (write(done, "x", 1) != 1)
			return 1;
		token_wait(go);
		if (strcmp(argv[i], "-") != 0)
			prctl(PR_SET_NAME, strcmp(argv[i], "EMPTY") == 0 ? "" : argv[i]);
	}
	burn(BURN);
	if (write(done, "x", 1) != 1)
		return 1;
	token_wait(go);
	return 0;
}

static void file_copy(int to)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char block[65536];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			_exit(1);
	close(from);
}

/* Executes this program from a file of that name, or in memory. */
static void program_execute(void *ctx)
{
	struct program *p = ctx;
	char path[128], go[16], done[16];
	char *argv[] = {(char *)p->argument, "--program", go, done, "-", NULL, NULL};
	int fd;

	for (int i = 0; i < 2 && p->names[i]; i++)
		argv[4 + i] = *p->names[i] ? (char *)p->names[i] : "EMPTY";
	snprintf(go, sizeof(go), "%d", p->go[0]);
	snprintf(done, sizeof(done), "%d", p->done[1]);
	snprintf(path, sizeof(path), "%s/%s", folder, p->file);
	if (p->how == FILE_MEMORY) {
		fd = memfd_create(p->file, 0);
		file_copy(fd);
		fexecve(fd, argv, environ);
		_exit(1);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd >= 0) {
		file_copy(fd);
		close(fd);
	}
	if (p->how == FILE_DESCRIPTOR) {
		fd = open(path, O_RDONLY);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (p->how == FILE_LINK) {
		argv[1] = "--again";
		execv(path, argv);
	}
	execv(path, argv);
	_exit(1);
}

/* ---- the test ---- */

static void program_start(struct program *p)
{
	if (pipe(p->go) < 0 || pipe(p->done) < 0)
		_exit(1);
	p->box = cgroup_make(p->tag);
	p->pid = run_in(p->box, program_execute, p);
}

/* Lets it go on until it has done the next part. */
static void program_step(struct program *p, bool go)
{
	char c;

	if (go && write(p->go[1], "x", 1) != 1)
		return;
	if (read(p->done[0], &c, 1) != 1)
		check(false, "%s: it has gone", p->tag);
}

/* A name that says more is a name of its own from then on: what was used before stays under the old one. */
static bool renamed(const struct program *p)
{
	return p->how == FILE_OWN && strcmp(p->want, p->file) != 0;
}

enum whose { THE_PROGRAMS, OTHERS, THE_TESTS };

/*
 * Seconds of CPU of the groups of its cgroup that have this name, of those that have another one that the program had, or of
 * those with the test's own name: the child until it executes the program.
 */
static double group_seconds(const struct snapshot *s, const struct program *p, enum whose whose)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_groups; i++) {
		const struct group_row *g = &s->groups[i];

		if (strcmp(s->containers[g->container].cgroup, p->box) != 0)
			continue;
		if (whose == (strncmp(g->comm, "test_names", 10) == 0 ? THE_TESTS
			      : strcmp(g->comm, p->want) == 0	      ? THE_PROGRAMS
								      : OTHERS))
			sum += g->v[GROUP_CPU_USAGE] / 1e9;
	}
	return sum;
}

static void living_check(const struct program *p)
{
	const struct snapshot *s = snapshot_take();
	const struct process_row *row = process_row_find(s, p->pid);

	check(row && strcmp(row->comm, p->want) == 0, "%s: alive: called %s, true is %s", p->tag,
	      row ? row->comm : "nothing", p->want);
	if (row && p->want_thread)
		check(strcmp(row->thread, p->want_thread) == 0, "%s: its main thread: %s, true is %s", p->tag,
		      row->thread, p->want_thread);
	if (!renamed(p))
		check_within("CPU under that name, and what it used before it was executed",
			     group_seconds(s, p, THE_PROGRAMS) + group_seconds(s, p, THE_TESTS),
			     cgroup_cpu_seconds(p->box), 0.02, TICK_SECONDS);
}

static void whole_life_check(const struct program *p)
{
	const struct snapshot *s;
	double truth, seen, other;

	waitpid(p->pid, NULL, 0);
	container_value_until(p->box, CONTAINER_EXITS, 1);
	truth = cgroup_cpu_seconds(p->box);
	container_value_until(p->box, CONTAINER_CPU_TASKS, truth * 0.995 * 1e9);
	s = snapshot_take();
	seen = group_seconds(s, p, THE_PROGRAMS);
	other = group_seconds(s, p, OTHERS);
	if (renamed(p)) {
		check(seen >= BURN * 0.98 && other >= BURN * 0.98, "%s: dead: %.4f and %.4f s under its two names",
		      p->tag, seen, other);
		return;
	}
	check(seen >= 2 * BURN * 0.98, "%s: dead: %.4f s under its name, at least %.4f is true", p->tag, seen,
	      2 * BURN);
	check(other < 0.005, "%s: %.4f s under other names", p->tag, other);
}

static void files_remove(void)
{
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, programs[i].file);
		unlink(path);
	}
	rmdir(folder);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--again") == 0) {
		argv[1] = "--program";
		execv("/proc/self/exe", argv);
		return 1;
	}
	if (argc > 4 && strcmp(argv[1], "--program") == 0)
		return program_main(argv);
	if (!mkdtemp(folder))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (programs[i].how == BORN_EARLIER) {
			program_start(&programs[i]);
			for (int step = 0; step < 2; step++)
				program_step(&programs[i], step);
		}
	pipeline_start();
	if (!task_state_is_on()) {
		printf("ok %d - # SKIP no task-local state: processes are called by their main thread\n",
		       ++test_number);
		files_remove();
		return test_finish();
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		struct program *p = &programs[i];

		if (p->how != BORN_EARLIER) {
			program_start(p);
			program_step(p, false);
			snapshot_take();
			program_step(p, true);
			if (p->names[0] && p->names[1])
				program_step(p, true);
		}
		living_check(p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		kill(programs[i].pid, SIGKILL);
		whole_life_check(&programs[i]);
	}
	files_remove();
	return test_finish();
}
