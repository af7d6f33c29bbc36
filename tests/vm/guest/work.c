/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * work.c - known workloads for containers in the guest, and the truth about them. Static; the same file is `true`.
 *   work burn MIB      holds MIB MiB; makes `ready`, waits for `go`, burns CPU until there is `stop`, makes `done`, rests
 *   work spawn N       makes `ready`, waits for `go`, runs /bin/true N times, writes how many went well to `done`, rests
 *   work rush N        the same by 4 children on one CPU at once, N/4 each
 *   work oom MIB       makes `ready`, waits for `go`, a child touches MIB MiB, its wait status goes to `done`, rests
 *   work spin CPU N    makes `ready`, waits for `go`; then N processes that are bound to that CPU burn it for ever
 *   work beat CPU MS   the same; one burns so many milliseconds of CPU time, rests for 200, and so on
 *   work again MIB     the same; touches MIB MiB from begin to end, again and again
 *   work now           prints the time
 *   work log FILE...   for ever: prints "TIME FILE CONTENT" of each file, every 20 ms
 * The files are those of the current folder.
 */
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUSH_CHILDREN 4

extern char **environ;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void file_make(const char *path, int number)
{
	char text[32], temporary[] = "new";
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int n = snprintf(text, sizeof(text), "%d\n", number);

	if (fd < 0 || write(fd, text, (size_t)n) != n || rename(temporary, path) < 0)
		exit(1);
	close(fd);
}

static void wait_for_go(void)
{
	file_make("ready", 1);
	while (access("go", F_OK) < 0)
		usleep(20000);
}

static void rest(int result)
{
	file_make("done", result);
	for (;;)
		pause();
}

static void touch(size_t mib)
{
	size_t size = mib << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		memset(memory, 1, size);
}

static void burn(int mib)
{
	volatile unsigned int x = 0;

	touch((size_t)mib);
	wait_for_go();
	while (access("stop", F_OK) < 0)
		for (int i = 0; i < 200000; i++)
			x += (unsigned int)i;
	rest(0);
}

static void cpu_bind(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		exit(1);
}

static void spin(int cpu, int count)
{
	volatile unsigned int x = 0;

	cpu_bind(cpu);
	wait_for_go();
	while (--count > 0 && fork() != 0)
		;
	for (;;)
		x++;
}

static void beat(int cpu, int milliseconds)
{
	clock_t begin;

	cpu_bind(cpu);
	wait_for_go();
	for (;; usleep(200000))
		for (begin = clock(); clock() - begin < milliseconds * (CLOCKS_PER_SEC / 1000);)
			;
}

static void touch_again(int mib)
{
	size_t size = (size_t)mib << 20;
	volatile char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	wait_for_go();
	for (size_t i = 0; memory != MAP_FAILED; i = (i + 4096) % size)
		memory[i]++;
}

static int spawn_all(int count)
{
	char name[] = "/bin/true", *arguments[] = {name, NULL};
	int well = 0, status;
	pid_t pid;

	for (int i = 0; i < count; i++)
		if (posix_spawn(&pid, name, NULL, NULL, arguments, environ) == 0 && waitpid(pid, &status, 0) == pid)
			well += status == 0;
	return well;
}

static void spawn(int count)
{
	wait_for_go();
	rest(spawn_all(count));
}

static void rush(int count)
{
	int each = count / RUSH_CHILDREN, well = 0, status;
	cpu_bind(0);
	wait_for_go();
	for (int i = 0; i < RUSH_CHILDREN; i++)
		if (fork() == 0)
			_exit(spawn_all(each) != each);
	while (wait(&status) > 0)
		well += status == 0 ? each : 0;
	rest(well);
}

static void oom(int mib)
{
	int status = -1;
	pid_t pid;

	wait_for_go();
	pid = fork();
	if (pid == 0) {
		touch((size_t)mib);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	rest(status);
}

static void log_files(char **files)
{
	char text[4096];

	for (;; usleep(20000)) {
		for (char **f = files; *f; f++) {
			int fd = open(*f, O_RDONLY);
			ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

			close(fd);
			if (n <= 0)
				continue;
			text[n] = '\0';
			text[strcspn(text, "\n")] = '\0'; /* cpu.stat begins with usage_usec */
			printf("%.6f %s %s\n", now(), *f, text);
		}
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/'), *verb = argc > 1 ? argv[1] : "";
	int number = argc > 2 ? atoi(argv[2]) : 0, second = argc > 3 ? atoi(argv[3]) : 0;

	if (strcmp(base ? base + 1 : argv[0], "true") == 0)
		return 0;
	if (strcmp(verb, "burn") == 0)
		burn(number);
	if (strcmp(verb, "spawn") == 0)
		spawn(number);
	if (strcmp(verb, "rush") == 0)
		rush(number);
	if (strcmp(verb, "oom") == 0)
		oom(number);
	if (strcmp(verb, "spin") == 0)
		spin(number, second);
	if (strcmp(verb, "beat") == 0)
		beat(number, second);
	if (strcmp(verb, "again") == 0)
		touch_again(number);
	if (strcmp(verb, "log") == 0)
		log_files(argv + 2);
	if (strcmp(verb, "now") != 0)
		return 2;
	printf("%.6f\n", now());
	return 0;
}
